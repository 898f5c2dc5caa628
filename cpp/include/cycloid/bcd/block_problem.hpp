// What block coordinate descent needs of a problem: minimise f(x) + g(x), f smooth and convex, g
// separable. A problem keeps its point x with all that follows from it, and moves it along blocks.
//
// Nutini, Laradji & Schmidt, "Let's Make Block Coordinate Descent Converge Faster", JMLR 23(131),
// 2022.
#pragma once

#include <Eigen/Core>
#include <memory>
#include <span>
#include <vector>

#include "cycloid/bcd/separable.hpp"
#include "cycloid/bcd/sparse_symmetric.hpp"
#include "cycloid/core/operator.hpp"
#include "cycloid/core/trace.hpp"

namespace cycloid::bcd {

using Vector = Eigen::VectorXd;

enum class Curvature {
    Bound,  // a matrix above the Hessian wherever x is
    Local,  // the Hessian at x
};

class BlockProblem {
public:
    explicit BlockProblem(Separable separable) : separable_(std::move(separable)) {}
    virtual ~BlockProblem() = default;
    BlockProblem(const BlockProblem&) = delete;
    BlockProblem& operator=(const BlockProblem&) = delete;

    const Separable& separable() const { return separable_; }
    virtual Index size() const = 0;

    // Of the bound H: its diagonal (the coordinates' Lipschitz constants), a diagonal matrix above
    // it (row sums of absolute values or more), its product with d, which may be sparse.
    virtual Vector lipschitz() const = 0;
    virtual Vector diagonal_bound() const = 0;
    virtual void multiply(const Vector& d, Vector& out) const = 0;
    // Whether the bound is the Hessian itself.
    virtual bool quadratic() const = 0;
    // Its graph, for those that have one.
    virtual const SparseSymmetric* graph() const { return nullptr; }

    const Vector& x() const { return x_; }
    virtual void start(const Vector& x) = 0;
    virtual double value() = 0;  // f, computed anew
    virtual const Vector& gradient() = 0;
    virtual void gradient(Columns block, Vector& out) = 0;
    // The lower triangle of the block's Hessian, or of its bound.
    virtual void hessian(Columns block, Curvature which, Matrix<double>& out) = 0;

    // f where the block has the values `target` minus f(x); x stays until accept().
    virtual double change(Columns block, const Vector& target) = 0;
    virtual void accept() = 0;

    // Coordinates whose gradient or x the last accept() changed, where those are few by design;
    // else the gradient is dear and everything has changed.
    virtual bool local() const { return false; }
    virtual std::span<const Index> touched() const { return {}; }

protected:
    // Notes a trial; the step that leads to it.
    const Vector& note_trial(Columns block, const Vector& target) {
        trial_block_.assign(block.begin(), block.end());
        trial_ = target;
        step_.resize(target.size());
        for (Index k = 0; k < target.size(); ++k) step_[k] = target[k] - x_[block[k]];
        return step_;
    }
    // To the last trial: its very values, since x + step might round past a bound.
    void move() {
        for (Index k = 0; k < trial_.size(); ++k) x_[trial_block_[k]] = trial_[k];
    }
    // |x + step|^2 / 2 - |x|^2 / 2
    double square_change() const {
        double sum = 0.5 * step_.squaredNorm();
        for (Index k = 0; k < step_.size(); ++k) sum += x_[trial_block_[k]] * step_[k];
        return sum;
    }

    Vector x_, trial_, step_;
    std::vector<Index> trial_block_;

private:
    Separable separable_;
};

// sum_i (a_i'x - b_i)^2 / 2 + l2 |x|^2 / 2
std::unique_ptr<BlockProblem> make_least_squares(const Operator& a, const double* b, double l2,
                                                 Separable separable, const Context& context);
// sum_i log(1 + exp(-b_i a_i'x)) + l2 |x|^2 / 2,  b_i = -1 or +1
std::unique_ptr<BlockProblem> make_logistic(const Operator& a, const double* b, double l2,
                                            Separable separable, const Context& context);
// sum_i (log sum_c exp(a_i'x_c) - a_i'x_{b_i}) + l2 |x|^2 / 2, where coordinate n_classes j + c is
// feature j in class c, b_i = 0 ... n_classes - 1
std::unique_ptr<BlockProblem> make_softmax(const Operator& a, const Index* b, Index n_classes,
                                           double l2, Separable separable, const Context& context);
// x'Ax / 2 - b'x, A positive semi-definite
std::unique_ptr<BlockProblem> make_quadratic(const SparseSymmetric& a, const double* b,
                                             Separable separable);

}  // namespace cycloid::bcd
