// The same quadratic subproblem as gram_solver.hpp when a Gram matrix would cost more than it saves
// (large sparse working sets): coordinate descent on the samples, and conjugate gradients on the
// support.
//
//     min_b  -u' X (b - b0) + |X (b - b0)|_h^2 / 2 + sum_k penalty_k(b_k),   |t|_h^2 = sum_i h_i
//     t_i^2
//
// With an intercept the columns act as centred under the weights h, which eliminates it; sparse
// columns are centred through one running number instead of being filled.
#pragma once

#include <Eigen/Core>
#include <span>
#include <vector>

#include "cycloid/bcd/gram_solver.hpp"
#include "cycloid/core/operator.hpp"

namespace cycloid::bcd {

class ResidualSolver {
public:
    // Copies nothing: block, u (updated in place to u - h X (b - b0)) and h outlive the solver.
    ResidualSolver(const ColumnBlock& block, std::span<const double> h, bool intercept,
                   const Context& context);

    void solve(std::span<const Penalty> penalty, std::span<double> b, std::span<double> u,
               const Visit& visit, const Context& context, Effort& effort);

private:
    double dot(Index k, const double* v) const;
    double slope(Index k, std::span<const double> u) const;
    double sweep(std::span<const Penalty> penalty, std::span<double> b, std::span<double> u,
                 std::span<const Index> ks, const Context& context);
    double smooth_violation(std::span<const Penalty> penalty, std::span<const double> b,
                            std::span<const double> u) const;
    void settle(std::span<double> u);
    bool newton(std::span<const Penalty> penalty, std::span<double> b, std::span<double> u,
                double reduction, const Context& context);
    void image(std::span<const Index> ks, const double* coef, std::vector<double>& t,
               const Context& context) const;
    void pull_back(std::span<const Index> ks, const std::vector<double>& t, double* out,
                   const Context& context) const;

    const ColumnBlock& x_;
    std::span<const double> h_;
    bool intercept_, uniform_;
    double total_ = 0;  // sum of h
    double drift_ = 0;  // u stands for u + drift_ h: the centring of past updates
    std::vector<double> mean_, curvature_;
    std::vector<Index> all_, support_;
    std::vector<double> t_, weighted_, direction_, residual_, conjugate_, image_;
    bool support_changed_ = false;
    bool settled_ = false;  // the last Newton step was taken whole: residual_ holds what is left
};

}  // namespace cycloid::bcd
