// Newton's method for finite sums without constraints. The Hessian is sketched once or twice, as a
// preconditioner: conjugate gradients with products of the whole Hessian make each step as exact as
// it has to be, and a fit on a subsample gives the start.
#pragma once

#include "cycloid/newton/curvature_schedule.hpp"

namespace cycloid::newton {

struct NewtonSketchOptions {
    double gradient_tolerance = 0;  // of the largest partial derivative; 0: the gap decides
    double gap_tolerance = 0;       // of the duality gap, for sums with a ridge
    Index max_iter = 100;
    std::uint64_t seed = 0;
    const Vector* start = nullptr;  // null: zeros, and a fit on a subsample
    bool report = true;             // rows of the trace to the observer
};

struct SumSolution {
    Status status = Status::MaxIter;
    Vector point;
    double value = 0;
    double largest_derivative = 0;
    double gap = 0;  // infinite without a ridge
    Index n_iter = 0, n_inner = 0;
    Trace trace{{"iteration", "seconds", "objective", "gap", "violation", "n_inner", "step"}};
};

SumSolution solve_newton_sketch(const FiniteSum& sum, const NewtonSketchOptions& options,
                                const Context& context);

}  // namespace cycloid::newton
