// The convex program of given patterns, by whatever is fastest: the function for everybody else.
#pragma once

#include "cycloid/relu/program.hpp"

namespace cycloid::relu {

struct SolveOptions {
    double tol = 1e-6;  // on (objective - lower bound) / |objective|
    Index max_iter = 20000;  // of the ADMM; the interior point needs tens
};

// ADMM to a moderate gap; then the interior point on the blocks that may be nonzero, and the others
// are checked: violators come back, and the lower bound is of all blocks. `warm` may be null.
Solution solve_program(const Program& program, const SolveOptions& options, const Point* warm,
                       const Context& context);

}  // namespace cycloid::relu
