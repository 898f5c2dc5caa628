#include "cycloid/bcd/forest.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <utility>

namespace cycloid::bcd {
namespace {

constexpr Node absent = -1, waiting = -2;

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

// Whether i closes no cycle with its neighbours that `joins` accepts; if so, they are united.
template <class Joins>
bool keeps_forest(const SparseSymmetric& matrix, UnionFind& trees, Node i, std::vector<Node>& roots,
                  const Joins& joins) {
    roots.clear();
    for (const Node j : matrix.neighbours(i)) {
        if (joins(j)) roots.push_back(trees.find(j));
    }
    std::ranges::sort(roots);
    if (std::ranges::adjacent_find(roots) != roots.end()) return false;
    for (const Node root : roots) trees.unite(root, i);
    return true;
}

}  // namespace

ForestOrder::ForestOrder(const SparseSymmetric& matrix)
    : matrix_(matrix), place_(at(matrix.size()), absent) {}

Forest ForestOrder::operator()(std::span<const Node> block) {
    Forest forest;
    forest.nodes.reserve(block.size());
    for (const Node i : block) place_[at(i)] = waiting;
    std::vector<Node> parents;
    bool is_forest = true;
    for (const Node root : block) {
        if (place_[at(root)] != waiting) continue;
        // Breadth first: parents stand before their children, until all is reversed below.
        auto next = forest.nodes.size();
        const auto add = [&](Node i, Node parent, double coupling) {
            place_[at(i)] = static_cast<Node>(forest.nodes.size());
            forest.nodes.push_back(i);
            forest.parent.push_back(parent);
            forest.coupling.push_back(coupling);
        };
        for (add(root, absent, 0.0); next < forest.nodes.size(); ++next) {
            const auto nodes = matrix_.neighbours(forest.nodes[next]);
            const auto values = matrix_.couplings(forest.nodes[next]);
            for (std::size_t q = 0; q < nodes.size(); ++q) {
                const Node place = place_[at(nodes[q])];
                if (place == waiting) {
                    add(nodes[q], static_cast<Node>(next), values[q]);
                } else if (place != absent && place != forest.parent[next]) {
                    is_forest = false;
                }
            }
        }
    }
    for (const Node i : block) place_[at(i)] = absent;
    if (!is_forest) throw std::invalid_argument("the couplings of the block contain a cycle");
    std::ranges::reverse(forest.nodes);
    std::ranges::reverse(forest.parent);
    std::ranges::reverse(forest.coupling);
    const Node last = static_cast<Node>(forest.size()) - 1;
    for (Node& parent : forest.parent) {
        if (parent != absent) parent = last - parent;
    }
    return forest;
}

bool pass_messages(const Forest& forest, std::span<const double> diagonal, std::span<double> rhs,
                   std::span<double> pivots) {
    const auto n = static_cast<std::size_t>(forest.size());
    std::copy_n(diagonal.begin(), n, pivots.begin());
    for (std::size_t k = 0; k < n; ++k) {
        if (!(pivots[k] > 0)) return false;
        if (forest.parent[k] == absent) continue;
        const auto up = at(forest.parent[k]);
        const double factor = forest.coupling[k] / pivots[k];
        pivots[up] -= factor * forest.coupling[k];
        rhs[up] -= factor * rhs[k];
    }
    for (std::size_t k = n; k-- > 0;) {
        if (forest.parent[k] != absent) rhs[k] -= forest.coupling[k] * rhs[at(forest.parent[k])];
        rhs[k] /= pivots[k];
    }
    return true;
}

UnionFind::UnionFind(Index size) : parent_(at(size)) {
    std::iota(parent_.begin(), parent_.end(), 0);
}

std::vector<Node> descending(std::span<const double> scores) {
    std::vector<Node> order(scores.size());
    std::iota(order.begin(), order.end(), 0);
    std::ranges::sort(order, [&](Node i, Node j) {
        return scores[at(i)] != scores[at(j)] ? scores[at(i)] > scores[at(j)] : i < j;
    });
    return order;
}

std::vector<Node> greedy_forest(const SparseSymmetric& matrix, std::span<const Node> order) {
    UnionFind trees(matrix.size());
    std::vector<char> taken(at(matrix.size()), 0);
    std::vector<Node> block, roots;
    for (const Node i : order) {
        if (!keeps_forest(matrix, trees, i, roots, [&](Node j) { return taken[at(j)] != 0; })) {
            continue;
        }
        taken[at(i)] = 1;
        block.push_back(i);
    }
    return block;
}

std::vector<std::vector<Node>> tree_partition(const SparseSymmetric& matrix,
                                              std::span<const Node> order) {
    // One union-find serves all blocks: only nodes of one block are ever united.
    UnionFind trees(matrix.size());
    std::vector<Node> block_of(at(matrix.size()), absent), roots;
    std::vector<std::vector<Node>> blocks;
    for (const Node i : order) {
        Node block = 0;
        while (!keeps_forest(matrix, trees, i, roots,
                             [&](Node j) { return block_of[at(j)] == block; })) {
            ++block;
        }
        if (block == std::ssize(blocks)) blocks.emplace_back();
        block_of[at(i)] = block;
        blocks[at(block)].push_back(i);
    }
    return blocks;
}

std::vector<std::vector<Node>> colour_partition(const SparseSymmetric& matrix,
                                                std::span<const Node> order) {
    std::vector<Node> colour(at(matrix.size()), absent), seen_by;
    std::vector<std::vector<Node>> blocks;
    for (const Node i : order) {
        for (const Node j : matrix.neighbours(i)) {
            if (colour[at(j)] != absent) seen_by[at(colour[at(j)])] = i;
        }
        auto best = blocks.size();
        for (std::size_t c = 0; c < blocks.size(); ++c) {
            const bool fewer = best == blocks.size() || blocks[c].size() < blocks[best].size();
            if (seen_by[c] != i && fewer) best = c;
        }
        if (best == blocks.size()) {
            blocks.emplace_back();
            seen_by.push_back(absent);
        }
        colour[at(i)] = static_cast<Node>(best);
        blocks[best].push_back(i);
    }
    return blocks;
}

}  // namespace cycloid::bcd
