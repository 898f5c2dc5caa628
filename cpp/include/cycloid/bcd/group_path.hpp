// Regularization paths of linear models whose coefficients come in groups: several outputs (targets
// or classes), groups of features, or both.
#pragma once

#include <vector>

#include "cycloid/bcd/outputs_loss.hpp"
#include "cycloid/core/operator.hpp"
#include "cycloid/core/trace.hpp"

namespace cycloid::bcd {

enum class OutputsLoss { Squared, Softmax };

// min_{b0, B}  sum_i w_i loss(y_i, b0 + B'x_i)
//              + alpha sum_g (l1_g |B_g|_1 + norm_g |B_g|_2 + l2_g / 2 |B_g|_2^2)
//
// with the rows of B (n_features x n_outputs) partitioned into groups: group g holds the features
// members[starts[g]] ... members[starts[g + 1] - 1].
struct GroupProblem {
    const Operator& x;
    Response response;
    OutputsLoss loss = OutputsLoss::Squared;
    std::vector<Index> members, starts;
    const double *l1 = nullptr, *norm = nullptr, *l2 = nullptr;  // one value a group
    bool intercept = true;
};

struct GroupOptions {
    std::vector<double> alphas;  // empty: a geometric grid of n_alphas down to eps * alpha_max
    Index n_alphas = 100;
    double eps = 1e-3;
    const double* coef = nullptr;       // start, by features; null: zero
    const double* intercept = nullptr;  // of every output
    double rtol = 1e-6, atol = 0;       // gap <= max(atol, rtol * null objective)
    Index max_iter = 1000;
    std::int64_t seed = -1;  // >= 0: groups in random order
    int n_threads = 1;
};

struct GroupPathPoint {
    double alpha = 0;
    std::vector<Index> indices;  // feature * n_outputs + output
    std::vector<double> values, intercept;
    double objective = 0, dual = 0, violation = 0, seconds = 0;
    Index n_iter = 0;
    Status status = Status::Converged;
};

struct GroupPath {
    std::vector<GroupPathPoint> points;
    double alpha_max = 0, null_objective = 0;
    Trace trace{{"alpha", "iteration", "seconds", "objective", "gap", "violation", "n_active",
                 "n_working", "n_screened", "n_epochs", "n_newton"}};
};

// Throws std::invalid_argument when X holds a non-finite value.
GroupPath solve_group_path(const GroupProblem& problem, const GroupOptions& options,
                           Monitor& monitor);

}  // namespace cycloid::bcd
