// x'Ax / 2 - b'x with sparse A: the gradient is kept, as a step changes it at neighbours only.
#include <cmath>
#include <utility>

#include "cycloid/bcd/block_problem.hpp"

namespace cycloid::bcd {
namespace {

class QuadraticBlocks final : public BlockProblem {
public:
    QuadraticBlocks(const SparseSymmetric& a, const double* b, Separable separable)
        : BlockProblem(std::move(separable)),
          a_(a),
          b_(b, a.size()),
          place_(static_cast<std::size_t>(a.size()), -1),
          noted_(static_cast<std::size_t>(a.size()), 0) {
        QuadraticBlocks::start(Vector::Zero(a.size()));
    }

    Index size() const override { return a_.size(); }
    Vector lipschitz() const override {
        return Eigen::Map<const Vector>(a_.diagonal.data(), size());
    }
    Vector diagonal_bound() const override {
        Vector sums(size());
        for (Index i = 0; i < size(); ++i) {
            sums[i] = std::fabs(a_.diagonal[i]);
            for (const double v : a_.couplings(i)) sums[i] += std::fabs(v);
        }
        return sums;
    }
    void multiply(const Vector& d, Vector& out) const override {
        out.resize(size());
        a_.multiply(d.data(), 1, out.data());
    }
    bool quadratic() const override { return true; }
    const SparseSymmetric* graph() const override { return &a_; }

    void start(const Vector& x) override {
        x_ = x;
        multiply(x_, gradient_);
        gradient_ -= b_;
    }
    double value() override { return 0.5 * x_.dot(gradient_ - b_); }
    const Vector& gradient() override { return gradient_; }
    void gradient(Columns block, Vector& out) override {
        out.resize(std::ssize(block));
        for (Index k = 0; k < out.size(); ++k) out[k] = gradient_[block[k]];
    }
    void hessian(Columns block, Curvature, Matrix<double>& out) override {
        const Index count = std::ssize(block);
        out.setZero(count, count);
        for (Index k = 0; k < count; ++k) place_[block[k]] = k;
        for (Index k = 0; k < count; ++k) {
            out(k, k) = a_.diagonal[block[k]];
            const auto nodes = a_.neighbours(block[k]);
            const auto values = a_.couplings(block[k]);
            for (std::size_t q = 0; q < nodes.size(); ++q) {
                const Index other = place_[nodes[q]];
                if (other > k) out(other, k) = values[q];
            }
        }
        for (const Index i : block) place_[i] = -1;
    }

    double change(Columns block, const Vector& target) override {
        const Vector& step = note_trial(block, target);
        for (Index k = 0; k < step.size(); ++k) place_[block[k]] = k;
        double sum = 0;
        for (Index k = 0; k < step.size(); ++k) {
            if (step[k] == 0) continue;
            double product = a_.diagonal[block[k]] * step[k];
            const auto nodes = a_.neighbours(block[k]);
            const auto values = a_.couplings(block[k]);
            for (std::size_t q = 0; q < nodes.size(); ++q) {
                const Index other = place_[nodes[q]];
                if (other >= 0) product += values[q] * step[other];
            }
            sum += step[k] * (gradient_[block[k]] + 0.5 * product);
        }
        for (const Index i : block) place_[i] = -1;
        return sum;
    }
    void accept() override {
        for (const Index i : touched_) noted_[i] = 0;
        touched_.clear();
        move();
        for (Index k = 0; k < step_.size(); ++k) {
            if (step_[k] == 0) continue;
            const Index i = trial_block_[k];
            gradient_[i] += a_.diagonal[i] * step_[k];
            note(i);
            const auto nodes = a_.neighbours(i);
            const auto values = a_.couplings(i);
            for (std::size_t q = 0; q < nodes.size(); ++q) {
                gradient_[nodes[q]] += values[q] * step_[k];
                note(nodes[q]);
            }
        }
    }
    bool local() const override { return true; }
    std::span<const Index> touched() const override { return touched_; }

private:
    void note(Index i) {
        if (noted_[i] == 0) touched_.push_back(i);
        noted_[i] = 1;
    }

    const SparseSymmetric& a_;
    Eigen::Map<const Vector> b_;
    Vector gradient_;
    std::vector<Index> place_, touched_;  // place_: of a coordinate in a block, else -1
    std::vector<char> noted_;
};

}  // namespace

std::unique_ptr<BlockProblem> make_quadratic(const SparseSymmetric& a, const double* b,
                                             Separable separable) {
    return std::make_unique<QuadraticBlocks>(a, b, std::move(separable));
}

}  // namespace cycloid::bcd
