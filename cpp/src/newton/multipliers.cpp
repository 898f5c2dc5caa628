#include <Eigen/QR>

#include "outer.hpp"

namespace cycloid::newton {

Vector least_squares_multipliers(const Iterate& point, const Context& context) {
    const Index n = point.x.size(), m = point.constraints.size();
    if (m == 0) return Vector::Zero(0);
    if (point.jacobian->dense() != nullptr) {
        const Matrix transposed = point.jacobian->dense()->transpose();
        return Eigen::CompleteOrthogonalDecomposition<Matrix>(transposed).solve(-point.gradient);
    }
    // [I G'; G -relaxation] [r; y] = [-g; 0]:  r = -(g + G'y), G r almost zero
    const System system{make_identity(n, 1.0, true), point.jacobian, 0, 1e-12};
    const auto solver = make_solver(Inner::Auto, system, {});
    Vector b = Vector::Zero(n + m), z = b;
    b.head(n) = -point.gradient;
    solver->prepare(system, context);
    solver->solve(b, 1e-8, z, context);
    return z.tail(m);
}

// For linear constraints of a quadratic objective the system is that of the first step, so it is
// factored once.
Vector first_multipliers(Outer& outer) {
    const Iterate& point = outer.current;
    const System system{point.hessian, point.jacobian};
    if (outer.solver->prepare(system, outer.context) != Inertia::Correct) {
        return least_squares_multipliers(point, outer.context);
    }
    Vector b = Vector::Zero(system.n() + system.m()), z = b;
    b.head(system.n()) = -point.gradient;
    outer.solver->solve(b, 1e-8, z, outer.context);
    return z.tail(system.m());
}

}  // namespace cycloid::newton
