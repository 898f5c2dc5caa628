// Primal-dual interior-point method for the convex program.
//
// The cones are |v_b| <= t_b and (2 D_b - I) X v_b >= 0; Nesterov-Todd scaling, Mehrotra's
// predictor and corrector, then correctors that pull outlying complementarity products back as
// long as the step grows by it (Gondzio 1996; they cost a solve, not a factorization). Of the
// (d + 1 + n) B unknowns an iteration factors one d x d matrix a block and one matrix of the
// predictions (n x n), or of the weights where that is smaller. Every iterate is strictly feasible
// up to the intercept's condition, so each gives a bound.
#pragma once

#include "cycloid/relu/program.hpp"

namespace cycloid::relu {

struct InteriorPointOptions {
    double tol = 1e-6;  // on (objective - lower bound) / |objective|
    Index max_iter = 100;
};

// Blocks whose generator is not strictly inside their cone stay zero.
Solution solve_interior_point(const Program& program, const InteriorPointOptions& options,
                              const Context& context);

}  // namespace cycloid::relu
