// What potentials are worth, computed from them alone in double precision.
#pragma once

#include "cycloid/ot/row_pass.hpp"

namespace cycloid::ot {

struct Certificate {
    double violation, mass, transport_cost, value, dual, gap;
};

// Two passes. The gap is an upper bound of the objective at the plan rounded to the marginals
// (Altschuler, Weed & Rigollet 2017, algorithm 2) less the dual objective.
Certificate certify(const Cost& cost, const Masses& masses, double reg, View f, View g,
                    const Context& context);

}  // namespace cycloid::ot
