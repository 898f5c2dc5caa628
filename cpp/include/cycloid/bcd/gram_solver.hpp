// The quadratic subproblem on a working set whose Gram matrix is in memory:
//
//     min_b  -slope'(b - b0) + (b - b0)' G (b - b0) / 2 + sum_k penalty_k(b_k)
//
// Blocks of coordinates are relaxed in turn (block coordinate descent with matrix updates; Nutini,
// Laradji & Schmidt 2022, section 3); when the support settles, one Cholesky step on it lands on
// its minimizer (section 5: finite termination), projected back onto the orthant where signs would
// change.
//
// In single precision the matrix and its factor take half the time; coefficients and slopes stay in
// double. The model is then off by some 1e-7 of itself, which the caller makes good by looking at
// the true slopes again, unless the system is too ill-conditioned (`imprecise`).
#pragma once

#include <Eigen/Core>
#include <span>
#include <vector>

#include "cycloid/bcd/penalty.hpp"
#include "cycloid/core/operator.hpp"
#include "cycloid/core/random.hpp"
#include "cycloid/core/trace.hpp"

namespace cycloid::bcd {

// What a solve has spent.
struct Effort {
    Eigen::Index epochs = 0, newton = 0;
};

// How coordinates are visited and when to give up.
struct Visit {
    double tolerance = 0;     // on the largest violation within the working set
    Random* order = nullptr;  // null: cyclic
    Eigen::Index max_epochs = 2000;
    bool same_system = false;  // matrix and penalties are those of the last call
};

template <class Real>
class GramSolver {
public:
    using Matrix = Eigen::Ref<const cycloid::Matrix<Real>, 0, Eigen::OuterStride<>>;
    using Vector = Eigen::Ref<Eigen::VectorXd>;

    // `gram` is symmetric and full; `slope` is minus the gradient of the smooth part at `b`. Both b
    // and slope are updated.
    void solve(const Matrix& gram, std::span<const Penalty> penalty, Vector b, Vector slope,
               const Visit& visit, const Context& context, Effort& effort);

    // Whether the last solve gave up because rounding errors of the factor spoil its steps.
    bool imprecise() const { return imprecise_; }

private:
    using Index = Eigen::Index;

    bool sweep(const Matrix& gram, std::span<const Penalty> penalty, Vector& b, Vector& slope,
               const Visit& visit, const Context& context);
    bool relax_block(const Matrix& gram, std::span<const Penalty> penalty,
                     std::span<const Index> ks, Vector& b, Vector& slope, const Context& context);
    enum class Step { None, Truncated, Full };
    Step newton(const Matrix& gram, std::span<const Penalty> penalty, Vector& b, Vector& slope,
                const Context& context);
    Step try_step(const Matrix& gram, std::span<const Penalty> penalty, Vector& b, Vector& slope,
                  double step, bool to_boundary, const Context& context);
    bool factorize(const Matrix& gram, std::span<const Penalty> penalty, const Context& context);
    double support_violation(std::span<const Penalty> penalty, const Vector& b,
                             const Vector& slope) const;

    std::vector<Index> order_, support_, factored_, moved_;
    Eigen::VectorXd direction_, image_, shift_;
    Eigen::MatrixXd local_;
    cycloid::Matrix<Real> factor_;  // of the support `factored_`
    Index raised_ = 0;              // pivots that it had to raise
    Index support_changes_ = 0;     // in the last sweep
    bool imprecise_ = false;
};

extern template class GramSolver<float>;
extern template class GramSolver<double>;

double largest_violation(std::span<const Penalty> penalty, const double* slope, const double* b);

}  // namespace cycloid::bcd
