// The convex program of given patterns, by whatever is fastest: the function for everybody else.
#pragma once

#include "cycloid/relu/program.hpp"

namespace cycloid::relu {

struct SolveOptions {
    double tol = 1e-6;       // on (objective - lower bound) / |objective|
    Index max_iter = 20000;  // of all methods together
};

// ADMM for as long as the interior point would take, which nearly always does; if not, the interior
// point on the blocks that may be nonzero. The others are checked afterwards and violators come
// back: the lower bound is of all blocks. `warm` may be null.
Solution solve_program(const Program& program, const SolveOptions& options, const Point* warm,
                       const Context& context);

}  // namespace cycloid::relu
