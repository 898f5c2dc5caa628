#include <cmath>

#include "outer.hpp"

namespace cycloid::newton {
namespace {

// Of the constraints where their Jacobian lacks rank; more where that leaves no descent.
constexpr double first_relaxation = 1e-8, last_relaxation = 1e4, relaxation_growth = 1e4;

// A solver that does not know the inertia is asked for curvature along its solution: the test of
// Chiang & Zavala (2016), section 3.
bool curved_upward(const Outer& outer, const System& system, const Found& found) {
    const double square = found.direction.x.squaredNorm();
    const double curvature = found.parts.curvature + system.shift * square;
    const double exchange = -found.direction.y.dot(outer.current.constraints);
    return curvature + std::max(exchange, 0.0) >= 1e-10 * square;
}

enum class Outcome { Descends, Inaccurate, NotDescending };

// Sharpens the solution first, which costs less than a merit function that is hard to follow; then
// the penalties.
Outcome solve_forcing(Outer& outer, const System& system, Inertia inertia, Found& found) {
    const double kkt = outer.current.kkt();
    const Vector b = newton_right_side(outer.current);
    Vector z = Vector::Zero(b.size());
    // Not sharper than the last step needs.
    double tolerance = std::min(0.1, std::max(kkt, 0.1 * outer.options.tol / kkt));
    for (int sharpened = 0;; ++sharpened) {
        outer.inner_residual = outer.solver->solve(b, tolerance, z, outer.context);
        if (!(outer.inner_residual <= std::max(tolerance, 0.1))) return Outcome::Inaccurate;
        found = {outer.current, z};
        if (outer.merit.descends(found.parts, kkt)) break;
        if (sharpened == 3 || outer.inner_residual <= 1e-10) break;
        tolerance = std::min(tolerance, outer.inner_residual) / 100;
    }
    if (inertia == Inertia::Unknown && !curved_upward(outer, system, found)) {
        return Outcome::NotDescending;
    }
    Merit merit = outer.merit;
    const double largest = system.relaxation > 0 ? 1e4 : 1e8;
    while (!merit.descends(found.parts, kkt)) {
        if (merit.eta1 > largest || merit.eta2 < 1e-20) return Outcome::NotDescending;
        merit.raise(found.parts);
    }
    outer.merit = merit;
    return Outcome::Descends;
}

}  // namespace

Vector newton_right_side(const Iterate& point) {
    Vector b(point.x.size() + point.y.size());
    b << -point.lagrangian_gradient, -point.constraints;
    return b;
}

bool find_direction(Outer& outer, double least_shift, Found& found) {
    System system{outer.current.hessian, outer.current.jacobian};
    system.shift = least_shift;
    for (int attempt = 0; attempt < 40 && !outer.context.stop(); ++attempt) {
        const Inertia inertia = outer.solver->prepare(system, outer.context);
        const bool can_relax = system.relaxation == 0 && system.m() > 0;
        if (inertia == Inertia::Singular && can_relax) {
            system.relaxation = first_relaxation;
            continue;
        }
        if (inertia == Inertia::Correct || inertia == Inertia::Unknown) {
            const Outcome outcome = solve_forcing(outer, system, inertia, found);
            if (outcome == Outcome::Descends) {
                outer.shift.keep(system.shift);
                outer.used_shift = system.shift;
                outer.used_relaxation = system.relaxation;
                return true;
            }
            if (outcome == Outcome::Inaccurate && can_relax) {
                system.relaxation = first_relaxation;
                continue;
            }
            if (system.relaxation > 0 && system.relaxation < last_relaxation) {
                system.relaxation *= relaxation_growth;
                continue;
            }
        }
        system.shift = outer.shift.after(system.shift);
        if (system.shift > 1e20) return false;
    }
    return false;
}

}  // namespace cycloid::newton
