#include "cycloid/bcd/elimination.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <stdexcept>
#include <utility>

#include "cycloid/core/random.hpp"

namespace cycloid::bcd {
namespace {

constexpr Node nobody = -1;

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

// The graph while nodes leave it: a list of neighbours for each. A long list may hold a neighbour
// several times, or one that has left; its values for one neighbour add up.
class Workspace {
public:
    Workspace(const GraphSystem& system, const EliminationLimits& limits, const Context& context);

    Elimination run();
    GraphSystem core(const Elimination& done);

private:
    struct Entry {
        Node node;
        Node next;
        double value;
    };

    static constexpr Index last_bucket = 255;             // degrees from here on are not told apart
    static constexpr Index long_list = 256;               // longer ones are not searched
    static constexpr Index most_couplings = 500'000'000;  // entries are counted in 32 bits

    Node next_node();
    void file(Node i);
    void gather(Node i);
    void eliminate_exactly(Node i, double pivot);
    void eliminate_sampled(Node i, double pivot);
    void merge(Node i, double factor);
    void push(Node i, Node j, double value);
    double pivot_of(Node i) const;

    const GraphSystem& system_;
    EliminationLimits limits_;
    const Context& context_;
    bool dominant_;
    Random random_;
    Index most_entries_;
    std::vector<Entry> entries_;
    std::vector<Node> first_, degree_;  // of a node's list: its head, and a bound of its length
    std::vector<double> diagonal_, row_sum_;
    std::vector<char> gone_;
    std::vector<std::vector<Node>> buckets_;
    Index lowest_ = 0;
    // Neighbours of the node at hand, distinct, and where each stands among them.
    std::vector<std::pair<Node, double>> around_;
    std::vector<Node> place_, merged_;  // merged_: the last list that a neighbour was found in
    std::vector<double> suffix_;
};

Workspace::Workspace(const GraphSystem& system, const EliminationLimits& limits,
                     const Context& context)
    : system_(system),
      limits_(limits),
      context_(context),
      dominant_(system.is_dominant()),
      random_(limits.seed),
      diagonal_(system.matrix.diagonal),
      row_sum_(system.row_sums),
      buckets_(at(last_bucket) + 1) {
    const SparseSymmetric& a = system.matrix;
    if (std::ssize(a.values) > most_couplings) throw std::invalid_argument("A is too large");
    const auto n = at(a.size());
    const double room = limits.sampled ? 4.0 : std::min(limits.fill + 1.0, 4.0);
    entries_.reserve(static_cast<std::size_t>(room * static_cast<double>(a.values.size())));
    most_entries_ =
        static_cast<Index>(std::min((limits.fill + 1) * static_cast<double>(a.values.size()), 2e9));
    first_.assign(n, nobody);
    degree_.assign(n, 0);
    gone_.assign(n, 0);
    place_.assign(n, nobody);
    for (Index i = 0; i < a.size(); ++i) {
        const auto nodes = a.neighbours(i);
        const auto values = a.couplings(i);
        for (std::size_t q = 0; q < nodes.size(); ++q) {
            push(static_cast<Node>(i), nodes[q], values[q]);
        }
    }
    // The last filed is the first taken: ties go to the lowest index.
    for (Index i = a.size(); i-- > 0;) file(static_cast<Node>(i));
}

void Workspace::push(Node i, Node j, double value) {
    entries_.push_back({j, first_[at(i)], value});
    first_[at(i)] = static_cast<Node>(entries_.size()) - 1;
    ++degree_[at(i)];
}

void Workspace::file(Node i) {
    const Index bucket = std::min<Index>(degree_[at(i)], last_bucket);
    buckets_[at(bucket)].push_back(i);
    lowest_ = std::min(lowest_, bucket);
}

// The node of least degree, or nobody. Nodes are filed anew whenever their degree changes; what was
// filed before is recognized by its bucket.
Node Workspace::next_node() {
    for (; lowest_ <= last_bucket; ++lowest_) {
        auto& bucket = buckets_[at(lowest_)];
        while (!bucket.empty()) {
            const Node i = bucket.back();
            bucket.pop_back();
            if (gone_[at(i)] == 0 && std::min<Index>(degree_[at(i)], last_bucket) == lowest_) {
                return i;
            }
        }
    }
    return nobody;
}

// Fills around_ and place_ from the list of i.
void Workspace::gather(Node i) {
    around_.clear();
    for (Node q = first_[at(i)]; q != nobody; q = entries_[at(q)].next) {
        const Entry& entry = entries_[at(q)];
        if (gone_[at(entry.node)] != 0) continue;
        Node& place = place_[at(entry.node)];
        if (place == nobody) {
            place = static_cast<Node>(around_.size());
            around_.emplace_back(entry.node, entry.value);
        } else {
            around_[at(place)].second += entry.value;
        }
    }
}

double Workspace::pivot_of(Node i) const {
    if (!dominant_) return diagonal_[at(i)];
    double pivot = row_sum_[at(i)];
    for (const auto& neighbour : around_) pivot -= neighbour.second;
    return pivot;
}

// Adds factor times the values of around_ to the list of i, one of its nodes.
void Workspace::merge(Node i, double factor) {
    Node& length = degree_[at(i)];
    --length;  // the node that leaves
    if (length > long_list) {
        for (const auto& [j, value] : around_) {
            if (j != i) push(i, j, factor * value);
        }
        return;
    }
    length = 0;
    Node* link = &first_[at(i)];
    while (*link != nobody) {
        Entry& entry = entries_[at(*link)];
        if (gone_[at(entry.node)] != 0) {
            *link = entry.next;
            continue;
        }
        const Node place = place_[at(entry.node)];
        if (place != nobody && merged_[at(place)] != i) {
            entry.value += factor * around_[at(place)].second;
            merged_[at(place)] = i;
        }
        ++length;
        link = &entry.next;
    }
    for (std::size_t k = 0; k < around_.size(); ++k) {
        const auto& [j, value] = around_[k];
        if (j != i && merged_[k] != i) push(i, j, factor * value);
    }
}

void Workspace::eliminate_exactly(Node i, double pivot) {
    merged_.assign(around_.size(), nobody);
    gone_[at(i)] = 1;
    for (const auto& [j, value] : around_) {
        const double factor = -value / pivot;
        if (!dominant_) diagonal_[at(j)] += factor * value;
        row_sum_[at(j)] += factor * row_sum_[at(i)];
        merge(j, factor);
        file(j);
    }
}

// Gao, Kyng & Spielman 2023, Algorithm 3: each neighbour but the last, in order of weight, is
// joined to one of the heavier, chosen by weight.
void Workspace::eliminate_sampled(Node i, double pivot) {
    gone_[at(i)] = 1;
    std::ranges::sort(around_, [](const auto& a, const auto& b) {
        return a.second != b.second ? a.second > b.second : a.first < b.first;
    });
    const std::size_t count = around_.size();
    suffix_.assign(count + 1, 0.0);
    for (std::size_t k = count; k-- > 0;) suffix_[k] = suffix_[k + 1] - around_[k].second;
    for (std::size_t k = 0; k < count; ++k) {
        const auto [j, value] = around_[k];
        row_sum_[at(j)] -= value / pivot * row_sum_[at(i)];
        --degree_[at(j)];
        if (k + 1 < count) {
            const double target = random_.uniform() * suffix_[k + 1];
            // The last one beyond k whose suffix is still above the target.
            const auto beyond = std::upper_bound(suffix_.begin() + static_cast<Index>(k) + 2,
                                                 suffix_.end(), target, std::greater<>());
            const auto chosen =
                std::min(static_cast<std::size_t>(beyond - suffix_.begin()) - 1, count - 1);
            const double weight = value * suffix_[k + 1] / pivot;
            push(j, around_[chosen].first, weight);
            push(around_[chosen].first, j, weight);
        }
    }
    for (const auto& neighbour : around_) file(neighbour.first);
}

Elimination Workspace::run() {
    Elimination done;
    const Index n = system_.matrix.size();
    done.order.reserve(at(n));
    done.pivots.reserve(at(n));
    done.starts.reserve(at(n) + 1);
    done.starts.push_back(0);
    for (Index count = 0; count < n; ++count) {
        if (count % 256 == 0 && context_.stop()) {
            done.stopped = true;
            return done;
        }
        const Node i = next_node();
        if (i == nobody) break;
        gather(i);
        const double pivot = pivot_of(i);
        done.positive = pivot > 0 && std::isfinite(pivot);
        const bool too_much = !limits_.sampled && (std::ssize(around_) > limits_.degree ||
                                                   std::ssize(entries_) > most_entries_);
        if (done.positive && !too_much) {
            done.order.push_back(i);
            done.pivots.push_back(pivot);
            for (const auto& [j, value] : around_) {
                done.columns.push_back(j);
                done.values.push_back(value / pivot);
            }
            done.starts.push_back(std::ssize(done.columns));
            limits_.sampled ? eliminate_sampled(i, pivot) : eliminate_exactly(i, pivot);
        }
        for (const auto& neighbour : around_) place_[at(neighbour.first)] = nobody;
        if (!done.positive || too_much) break;
    }
    for (Index i = 0; i < n; ++i) {
        if (gone_[at(i)] == 0) done.kept.push_back(static_cast<Node>(i));
    }
    return done;
}

GraphSystem Workspace::core(const Elimination& done) {
    GraphSystem rest;
    SparseSymmetric& a = rest.matrix;
    a.starts.push_back(0);
    std::vector<Node> rank(first_.size(), nobody);
    for (std::size_t k = 0; k < done.kept.size(); ++k)
        rank[at(done.kept[k])] = static_cast<Node>(k);
    for (const Node i : done.kept) {
        gather(i);
        a.diagonal.push_back(pivot_of(i));
        rest.row_sums.push_back(row_sum_[at(i)]);
        for (const auto& neighbour : around_) place_[at(neighbour.first)] = nobody;
        std::ranges::sort(around_);
        for (const auto& [j, value] : around_) {
            a.columns.push_back(rank[at(j)]);
            a.values.push_back(value);
        }
        a.starts.push_back(std::ssize(a.columns));
    }
    return rest;
}

}  // namespace

bool GraphSystem::is_dominant() const {
    return std::ranges::all_of(matrix.values, [](double v) { return v <= 0; }) &&
           std::ranges::all_of(row_sums, [](double v) { return v >= 0; });
}

GraphSystem make_system(SparseSymmetric matrix) {
    constexpr double epsilon = std::numeric_limits<double>::epsilon();
    GraphSystem system{std::move(matrix), {}};
    for (Index i = 0; i < system.matrix.size(); ++i) {
        const double diagonal = system.matrix.diagonal[at(i)];
        const auto values = system.matrix.couplings(i);
        double sum = 0;
        for (const double value : values) sum += value;
        sum += diagonal;
        const double noise = epsilon * static_cast<double>(values.size() + 1) * diagonal;
        system.row_sums.push_back(sum < 0 && sum >= -noise ? 0.0 : sum);
    }
    return system;
}

Elimination eliminate(const GraphSystem& system, const EliminationLimits& limits,
                      const Context& context, GraphSystem& core) {
    Workspace workspace(system, limits, context);
    Elimination done = workspace.run();
    if (done.positive && !done.stopped) core = workspace.core(done);
    return done;
}

void Elimination::forward(double* x, Index width, Index begin, Index end) const {
    for (auto k = at(begin); k < at(end); ++k) {
        double* const own = x + width * order[k];
        for (auto q = at(starts[k]); q < at(starts[k + 1]); ++q) {
            double* const to = x + width * columns[q];
            for (Index c = 0; c < width; ++c) to[c] -= values[q] * own[c];
        }
        for (Index c = 0; c < width; ++c) own[c] /= pivots[k];
    }
}

void Elimination::backward(double* x, Index width, Index begin, Index end) const {
    for (auto k = at(end); k-- > at(begin);) {
        double* const own = x + width * order[k];
        for (auto q = at(starts[k]); q < at(starts[k + 1]); ++q) {
            const double* const from = x + width * columns[q];
            for (Index c = 0; c < width; ++c) own[c] -= values[q] * from[c];
        }
    }
}

}  // namespace cycloid::bcd
