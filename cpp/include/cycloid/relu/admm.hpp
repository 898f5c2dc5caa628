// The alternating direction method of multipliers for the convex program. With three copies
//
//     Z = sum_b D_b X v_b g_b' + 1 c',   w_b = v_b,   s_b = (2 D_b - I) X v_b
//
// the loss sees Z, the norms see W, the cones see S, and the step in (V, c) is a least-squares
// problem that is the same for every loss (papers: Bai, Gautam & Sojoudi, section 3, which has no Z
// and therefore squared losses only).
#pragma once

#include "cycloid/relu/program.hpp"

namespace cycloid::relu {

// Of the three copies, in units that suit the data: see `natural_penalties`.
struct Penalties {
    double loss = 1, block = 1, cone = 1;
};

struct AdmmOptions {
    double tol = 1e-4;  // on (objective - lower bound) / |objective|
    Index max_iter = 20000;
    Penalties penalties;     // to start from
    bool adaptive = true;    // balances the residuals of each copy
    double relaxation = 1.6;
    Index check_interval = 10;  // iterations between certificates
};

// `warm` may be null. The solution's point is feasible, its lower bound belongs to its dual point.
Solution solve_admm(const Program& program, const AdmmOptions& options, const Point* warm,
                    const Context& context);

}  // namespace cycloid::relu
