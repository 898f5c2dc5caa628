// Limited-memory BFGS for functions that are smooth almost everywhere.
#pragma once

#include <functional>

#include "cycloid/core/trace.hpp"
#include "cycloid/relu/loss.hpp"

namespace cycloid::relu {

struct LbfgsOptions {
    Index max_iter = 1000;
    Index memory = 20;
    double gradient_tol = 0;  // on the largest entry of the gradient
    double decrease_tol = 0;  // on the relative decrease over ten iterations
};

struct LbfgsResult {
    double value = 0;
    Index n_iter = 0, n_evaluations = 0;
    Status status = Status::MaxIter;  // Stalled: no step along the descent direction helped
};

// The value at x, and the gradient.
using Function = std::function<double(const Vector& x, Vector& gradient)>;

// x <- a point at which `function` is lower. The line search brackets a point of the weak Wolfe
// conditions, which exists on functions with kinks too (Lewis & Overton, Mathematical Programming
// 141, 2013, algorithm 2.6).
LbfgsResult minimise_lbfgs(const Function& function, Vector& x, const LbfgsOptions& options,
                           const Context& context);

}  // namespace cycloid::relu
