// The rules that do not look at the gradient.
#include "cycloid/bcd/block_selection.hpp"

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <string>

#include "cycloid/core/random.hpp"
#include "greedy_selection.hpp"

namespace cycloid::bcd {
namespace {

// Draws units with probabilities in proportion to weights, without replacement within one draw: a
// binary tree of sums, O(log n) a unit.
class Urn {
public:
    explicit Urn(const std::vector<double>& weights) {
        while (leaves_ < std::ssize(weights)) leaves_ *= 2;
        sums_.assign(static_cast<std::size_t>(2 * leaves_), 0.0);
        for (std::size_t i = 0; i < weights.size(); ++i) {
            sums_[static_cast<std::size_t>(leaves_) + i] = weights[i];
        }
        for (Index k = leaves_ - 1; k > 0; --k) sums_[k] = sums_[2 * k] + sums_[2 * k + 1];
    }
    // Fewer than `count` only where fewer have any weight.
    void draw(Random& random, Index count, std::vector<Index>& out) {
        out.clear();
        std::vector<double> taken;
        while (std::ssize(out) < count && sums_[1] > 0) {
            double mark = random.uniform() * sums_[1];
            Index k = 1;
            while (k < leaves_) {
                k *= 2;
                // Into a part without weight rounding alone could lead.
                if (sums_[k + 1] > 0 && (mark >= sums_[k] || sums_[k] <= 0)) mark -= sums_[k++];
            }
            out.push_back(k - leaves_);
            taken.push_back(sums_[k]);
            set(k, 0);
        }
        for (std::size_t q = 0; q < out.size(); ++q) set(out[q] + leaves_, taken[q]);
    }

private:
    void set(Index k, double weight) {
        sums_[k] = weight;
        for (k /= 2; k > 0; k /= 2) sums_[k] = sums_[2 * k] + sums_[2 * k + 1];
    }

    Index leaves_ = 1;
    std::vector<double> sums_;  // sums_[k] = sums_[2 k] + sums_[2 k + 1], leaves at the end
};

// Units drawn by a rule that is blind to the gradient, as a block.
class Blind final : public Selection {
public:
    Blind(Rule rule, const Partition& partition, BlockProblem& problem, std::uint64_t seed)
        : rule_(rule),
          partition_(partition),
          random_(seed),
          count_(partition.fixed() ? 1 : partition.block_size) {
        const Index units = partition.fixed() ? std::ssize(partition.blocks) : problem.size();
        order_.resize(static_cast<std::size_t>(units));
        std::iota(order_.begin(), order_.end(), Index{0});
        if (rule == Rule::Lipschitz) urn_ = std::make_unique<Urn>(weights(problem));
    }

    void next(BlockProblem&, Block& block) override {
        draw();
        if (partition_.fixed()) {
            block = partition_.blocks[drawn_.front()];
        } else {
            block.members = drawn_;
            std::sort(block.members.begin(), block.members.end());
        }
    }

private:
    std::vector<double> weights(BlockProblem& problem) const {
        std::vector<double> weights;
        if (partition_.fixed()) {
            weights.reserve(partition_.blocks.size());
            for (const Block& block : partition_.blocks) {
                weights.push_back(block_lipschitz(problem, block.members));
            }
        } else {
            const Vector l = problem.lipschitz();
            weights.assign(l.data(), l.data() + l.size());
        }
        if (std::all_of(weights.begin(), weights.end(), [](double w) { return w <= 0; })) {
            std::fill(weights.begin(), weights.end(), 1.0);
        }
        return weights;
    }
    void draw() {
        const Index n = std::ssize(order_);
        if (rule_ == Rule::Lipschitz) return urn_->draw(random_, count_, drawn_);
        if (rule_ == Rule::Random) {
            drawn_.clear();
            for (Index k = 0; k < count_; ++k) {
                const auto other = k + static_cast<Index>(random_.below(std::uint64_t(n - k)));
                std::swap(order_[k], order_[other]);
                drawn_.push_back(order_[k]);
            }
            return;
        }
        if (next_ >= n) next_ = 0;
        if (next_ == 0 && !partition_.fixed()) random_.shuffle(std::span(order_));
        const Index last = std::min(next_ + count_, n);
        drawn_.assign(order_.begin() + next_, order_.begin() + last);
        next_ = last;
    }

    Rule rule_;
    const Partition& partition_;
    Random random_;
    Index count_, next_ = 0;
    std::vector<Index> order_, drawn_;
    std::unique_ptr<Urn> urn_;
};

}  // namespace

std::unique_ptr<Selection> make_selection(Rule rule, const Partition& partition,
                                          BlockProblem& problem, std::uint64_t seed,
                                          const Context& context) {
    if (!proximal(rule) && !problem.separable().smooth()) {
        throw std::invalid_argument(
            "selection: this rule does not see an L1 penalty nor bounds; take gs-s, gs-r, gs-q, "
            "gsl-r, gsl-q, or random, cyclic, lipschitz");
    }
    if (partition.kind == PartitionKind::GreedyForest) {
        return make_forest_grower(rule, problem, seed);
    }
    if (rule < Rule::GaussSouthwell) {
        return std::make_unique<Blind>(rule, partition, problem, seed);
    }
    if (rule == Rule::GSQ && !partition.fixed()) {
        return make_hard_thresholding(partition.block_size, problem, context);
    }
    return make_greedy(rule, partition, problem);
}

}  // namespace cycloid::bcd
