// Preconditioned conjugate gradients, for the Newton steps of this engine.
#pragma once

#include <Eigen/Core>

#include "cycloid/core/trace.hpp"

namespace cycloid::bcd {

// x ~ A^{-1} rhs, from zero, until the residual (in the norm of the preconditioner) has fallen to
// `reduction` of its start. `apply(v, out)` writes A v, `precondition(r, out)` M^{-1} r. A
// direction without curvature ends it. Returns the number of steps.
template <class Apply, class Precondition>
Eigen::Index conjugate_gradients(const Apply& apply, const Precondition& precondition,
                                 const Eigen::VectorXd& rhs, double reduction, Eigen::Index most,
                                 Eigen::VectorXd& x, const Context& context) {
    Eigen::VectorXd residual = rhs, preconditioned(rhs.size()), image(rhs.size());
    x.setZero(rhs.size());
    precondition(residual, preconditioned);
    Eigen::VectorXd direction = preconditioned;
    double rho = residual.dot(preconditioned);
    const double target = rho * reduction * reduction;
    Eigen::Index step = 0;
    for (; step < most && rho > target && rho > 0 && !context.stop(); ++step) {
        apply(direction, image);
        const double bend = direction.dot(image);
        if (!(bend > 0)) break;
        const double length = rho / bend;
        x += length * direction;
        residual -= length * image;
        precondition(residual, preconditioned);
        const double next = residual.dot(preconditioned);
        direction = preconditioned + (next / rho) * direction;
        rho = next;
    }
    return step;
}

}  // namespace cycloid::bcd
