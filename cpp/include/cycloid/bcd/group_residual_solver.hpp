// The quadratic model of a loss of several outputs on a working set, where the outputs are coupled
// and no Gram matrix serves them all: coordinate descent on the samples.
//
//     min_{D, d0}  -<U, X D + 1 d0'> + sum_i t_i'H_i t_i / 2 + sum_g penalty_g(B_g + D_g),
//                  t_i = D'x_i + d0
//
// A group is relaxed under a diagonal bound of its part of the Hessian (for softmax
// diag(p) - p p' <= diag(p), which is tight where two classes compete), so every step descends.
#pragma once

#include <span>
#include <vector>

#include "cycloid/bcd/group_gram_solver.hpp"
#include "cycloid/bcd/outputs_loss.hpp"
#include "cycloid/core/operator.hpp"

namespace cycloid::bcd {

template <class Loss>
class GroupResidualSolver {
public:
    // Copies nothing; u is updated in place to the residual of the model.
    GroupResidualSolver(const ColumnBlock& block, const Response& response,
                        const double* probability, bool intercept, Outputs& u);

    // b and b0 are updated.
    void solve(std::span<const Range> groups, std::span<const GroupPenalty> penalty, Outputs& b,
               Eigen::VectorXd& b0, const Visit& visit, const Context& context, Effort& effort);

private:
    double relax(const Range& group, const GroupPenalty& penalty, Outputs& b);
    void move_intercept(Eigen::VectorXd& b0);
    void take(Index column, double* step);

    const ColumnBlock& x_;
    Response r_;
    const double* probability_;
    bool intercept_;
    Outputs& u_;
    Outputs curvature_, slope_, next_, scaled_;
    Eigen::VectorXd curvature0_, change_;
};

extern template class GroupResidualSolver<Softmax>;

}  // namespace cycloid::bcd
