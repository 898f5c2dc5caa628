#include "precondition.hpp"

#include <algorithm>

#include "cycloid/bcd/forest.hpp"
#include "cycloid/core/cholesky.hpp"

namespace cycloid::bcd {
namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

class ForestSweep final : public Approximation {
public:
    explicit ForestSweep(const SparseSymmetric& matrix) : matrix_(matrix) {
        const auto blocks = tree_partition(matrix, descending(matrix.diagonal));
        ForestOrder order(matrix);
        block_of_.resize(at(matrix.size()));
        trees_.starts.push_back(0);
        for (std::size_t k = 0; k < blocks.size(); ++k) {
            for (const Node i : blocks[k]) block_of_[at(i)] = static_cast<Node>(k);
            add(order(blocks[k]));
        }
    }

    bool positive() const override { return trees_.positive; }

    void apply(const double* r, Index width, double* z) override {
        const Index n_blocks = std::ssize(ends_);
        for (Index k = 0; k < n_blocks; ++k) {
            for (const Node i : block(k)) {
                double* const own = z + width * i;
                std::copy_n(r + width * i, width, own);
                subtract(i, width, z, own, [&](Node j) { return block_of_[at(j)] < k; });
            }
            solve(k, width, z);
        }
        scratch_.resize(at(matrix_.size() * width));
        for (Index k = n_blocks - 1; k-- > 0;) {
            for (const Node i : block(k)) {
                double* const own = scratch_.data() + width * i;
                std::fill_n(own, width, 0.0);
                subtract(i, width, z, own, [&](Node j) { return block_of_[at(j)] > k; });
            }
            solve(k, width, scratch_.data());
            for (const Node i : block(k)) {
                for (Index c = 0; c < width; ++c) z[width * i + c] += scratch_[at(width * i + c)];
            }
        }
    }

private:
    // Appends the factor of one block.
    void add(const Forest& forest) {
        const auto base = trees_.pivots.size();
        for (const Node i : forest.nodes) {
            trees_.order.push_back(i);
            trees_.pivots.push_back(matrix_.diagonal[at(i)]);
        }
        for (std::size_t k = 0; k < forest.nodes.size(); ++k) {
            const double pivot = trees_.pivots[base + k];
            trees_.positive = trees_.positive && pivot > 0;
            if (const Node parent = forest.parent[k]; parent >= 0) {
                const double factor = forest.coupling[k] / pivot;
                trees_.columns.push_back(forest.nodes[at(parent)]);
                trees_.values.push_back(factor);
                trees_.pivots[base + at(parent)] -= factor * forest.coupling[k];
            }
            trees_.starts.push_back(std::ssize(trees_.columns));
        }
        ends_.push_back(std::ssize(trees_.order));
    }

    Index begin(Index k) const { return k == 0 ? 0 : ends_[at(k - 1)]; }
    std::span<const Node> block(Index k) const {
        return std::span(trees_.order).subspan(at(begin(k)), at(ends_[at(k)] - begin(k)));
    }
    void solve(Index k, Index width, double* x) const {
        trees_.forward(x, width, begin(k), ends_[at(k)]);
        trees_.backward(x, width, begin(k), ends_[at(k)]);
    }
    template <class Takes>
    void subtract(Node i, Index width, const double* z, double* out, const Takes& takes) const {
        const auto nodes = matrix_.neighbours(i);
        const auto values = matrix_.couplings(i);
        for (std::size_t q = 0; q < nodes.size(); ++q) {
            if (!takes(nodes[q])) continue;
            const double* const from = z + width * nodes[q];
            for (Index c = 0; c < width; ++c) out[c] -= values[q] * from[c];
        }
    }

    const SparseSymmetric& matrix_;
    Elimination trees_;        // the factor of all blocks, one after the other
    std::vector<Index> ends_;  // of the blocks in it
    std::vector<Node> block_of_;
    std::vector<double> scratch_;
};

class Sampled final : public Approximation {
public:
    Sampled(const GraphSystem& system, const Context& context) : size_(system.matrix.size()) {
        GraphSystem nothing;
        EliminationLimits limits;
        limits.sampled = true;
        factor_ = eliminate(system, limits, context, nothing);
    }
    bool positive() const override { return factor_.positive; }
    void apply(const double* r, Index width, double* z) override {
        std::copy_n(r, size_ * width, z);
        factor_.forward(z, width);
        factor_.backward(z, width);
    }

private:
    Index size_;
    Elimination factor_;
};

class DenseFactor final : public Approximation {
public:
    DenseFactor(const SparseSymmetric& matrix, const Context& context)
        : factor_(Eigen::MatrixXd::Zero(matrix.size(), matrix.size())) {
        for (Index i = 0; i < matrix.size(); ++i) {
            factor_(i, i) = matrix.diagonal[at(i)];
            const auto nodes = matrix.neighbours(i);
            const auto values = matrix.couplings(i);
            for (std::size_t q = 0; q < nodes.size(); ++q) factor_(i, nodes[q]) = values[q];
        }
        positive_ = cholesky(factor_, 0.0, context) == 0;
    }
    bool positive() const override { return positive_; }
    void apply(const double* r, Index width, double* z) override {
        using Rows =
            Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
        const Eigen::Map<const Rows> from(r, factor_.rows(), width);
        Eigen::Map<Rows> to(z, factor_.rows(), width);
        for (Index c = 0; c < width; ++c) {
            column_ = from.col(c);
            cholesky_solve(factor_, column_);
            to.col(c) = column_;
        }
    }

private:
    Eigen::MatrixXd factor_;
    Eigen::VectorXd column_;
    bool positive_ = false;
};

}  // namespace

std::unique_ptr<Approximation> make_dense_factor(const SparseSymmetric& matrix,
                                                 const Context& context) {
    return std::make_unique<DenseFactor>(matrix, context);
}

std::unique_ptr<Approximation> make_forest_sweep(const SparseSymmetric& matrix) {
    return std::make_unique<ForestSweep>(matrix);
}

std::unique_ptr<Approximation> make_sampled(const GraphSystem& system, const Context& context) {
    return std::make_unique<Sampled>(system, context);
}

}  // namespace cycloid::bcd
