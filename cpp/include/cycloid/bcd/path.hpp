// Regularization paths of generalized linear models: what goes in and what comes out.
#pragma once

#include <limits>
#include <vector>

#include "cycloid/core/operator.hpp"
#include "cycloid/core/trace.hpp"

namespace cycloid::bcd {

enum class LossKind { Squared, Logistic };
enum class GramMode { Auto, Always, Never };

// min_{b0, b}  sum_i w_i loss(y_i, b0 + x_i'b)
//              + alpha sum_j v_j (l1_ratio |b_j| + (1 - l1_ratio) / 2 b_j^2),   b >= 0 if positive
//
// If standardize, the penalty has d_j b_j in the place of b_j: d_j^2 = sum_i w_i (x_ij - m_j)^2
// with the weighted mean m_j if intercept and m_j = 0 if not, and d_j = 1 where that sum is zero.
struct Problem {
    const Operator& x;
    const double* y;
    const double* w;  // non-negative, sum 1
    LossKind loss = LossKind::Squared;
    double l1_ratio = 1;
    const double* penalty_weights = nullptr;  // v; null: all one
    bool positive = false, intercept = true, standardize = false;
};

struct Options {
    std::vector<double> alphas;  // empty: a geometric grid of n_alphas down to eps * alpha_max
    Index n_alphas = 100;
    double eps = 1e-3;
    const double* coef = nullptr;  // start; null: zero
    double intercept = 0;
    double rtol = 1e-6, atol = 0;  // gap <= max(atol, rtol * null objective)
    Index max_iter = 1000;
    GramMode gram = GramMode::Auto;
    std::int64_t seed = -1;  // >= 0: coordinates in random order
    int n_threads = 1;
};

struct PathPoint {
    double alpha = 0;
    std::vector<Index> indices;
    std::vector<double> values;
    double intercept = 0, objective = 0, dual = 0, violation = 0, seconds = 0;
    Index n_iter = 0;
    Status status = Status::Converged;
};

struct Path {
    std::vector<PathPoint> points;
    double alpha_max = 0, null_objective = 0;
    Trace trace{{"alpha", "iteration", "seconds", "objective", "gap", "violation", "n_active",
                 "n_working", "n_screened", "n_epochs", "n_newton"}};
};

// Throws std::invalid_argument when X holds a non-finite value.
Path solve_path(const Problem& problem, const Options& options, Monitor& monitor);

}  // namespace cycloid::bcd
