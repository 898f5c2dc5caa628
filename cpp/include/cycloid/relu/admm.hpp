// The alternating direction method of multipliers for the convex program, with the copies
//
//     Z = sum_b D_b X v_b g_b' + 1 c',   w_b = v_b.
//
// The loss sees Z; norm and cone together see w, whose step is a projection onto the cone and then
// a shrinkage (`Cones`); the step in (V, c) is a least-squares problem, the same for every loss.
// Bai, Gautam & Sojoudi (section 3) copy the cone's rows instead, which takes far more iterations:
// see published.hpp.
#pragma once

#include "cycloid/relu/program.hpp"

namespace cycloid::relu {

// In units that suit the data.
struct Penalties {
    double loss = 0.1, block = 20;
};

struct AdmmOptions {
    double tol = 1e-4;  // on (objective - lower bound) / |objective|
    Index max_iter = 20000;
    Penalties penalties;   // to start from
    bool adaptive = true;  // balances the residuals of each copy
    double relaxation = 1.8;
    Index check_interval = 10;  // iterations between certificates
};

// `warm` may be null. The solution's point is feasible, its lower bound belongs to its dual point.
Solution solve_admm(const Program& program, const AdmmOptions& options, const Point* warm,
                    const Context& context);

}  // namespace cycloid::relu
