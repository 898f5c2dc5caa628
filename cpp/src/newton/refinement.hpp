// Iterative refinement, for solvers that factorize.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "cycloid/newton/linear_solver.hpp"

namespace cycloid::newton {

// z <- z + apply(b - A z) while that at least halves the residual, until it is at most `target`
// times ||b||. The relative residual that was reached, infinite where z is not finite.
template <class Apply>
double refine(const System& system, const Vector& b, double target, Vector& z, const Apply& apply,
              const Context& context) {
    const double scale = b.norm();
    if (!(scale > 0)) {
        z.setZero();
        return 0;
    }
    Vector residual = b - system.times(z);
    double size = residual.norm() / scale;
    while (size > target && !context.stop()) {
        Vector next = residual;
        apply(next);
        next += z;
        Vector rest = b - system.times(next);
        const double left = rest.norm() / scale;
        if (!(left < size)) break;
        z = std::move(next), residual = std::move(rest);
        if (!(left < size / 2)) {
            size = left;
            break;
        }
        size = left;
    }
    return std::isfinite(size) ? size : std::numeric_limits<double>::infinity();
}

}  // namespace cycloid::newton
