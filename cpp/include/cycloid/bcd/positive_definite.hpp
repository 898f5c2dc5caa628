// Sparse symmetric positive definite systems: elimination as far as it is cheap, and for what is
// left conjugate gradients, preconditioned by forest blocks or by an approximate elimination.
#pragma once

#include <limits>

#include "cycloid/bcd/elimination.hpp"
#include "cycloid/core/trace.hpp"

namespace cycloid::bcd {

enum class Preconditioner { Auto, Forest, Sampled };

struct PositiveDefiniteOptions {
    double rtol = 1e-10;  // |b - A x| <= rtol |b|, Euclidean norms, for each right-hand side
    Index max_iter = 10000;
    EliminationLimits limits;
    Preconditioner preconditioner = Preconditioner::Auto;
};

struct PositiveDefiniteSolution {
    Status status = Status::Converged;
    bool positive_definite = true;         // false: a pivot or a curvature was not positive
    Index n_eliminated = 0, n_factor = 0;  // nodes that elimination removed; entries of its factor
    Index n_iter = 0;      // conjugate gradient steps, those of all right-hand sides at once
    double violation = 0;  // the largest |b - A x| / |b|
    // A bound of every |x_i - exact x_i|, up to the rounding of its own computation; infinite
    // unless A is dominant in the sense of GraphSystem.
    double error_bound = std::numeric_limits<double>::infinity();
    Trace trace{{"iteration", "seconds", "violation"}};
};

// Solves A x = b for `width` right-hand sides side by side (entry i of vector c at [width i + c]).
PositiveDefiniteSolution solve_positive_definite(const GraphSystem& system, const double* b,
                                                 Index width, double* x,
                                                 const PositiveDefiniteOptions& options,
                                                 Monitor& monitor);

}  // namespace cycloid::bcd
