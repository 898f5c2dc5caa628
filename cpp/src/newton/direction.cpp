#include <Eigen/Eigenvalues>
#include <cmath>

#include "outer.hpp"

namespace cycloid::newton {
namespace {

constexpr double relaxation = 1e-8;  // of the constraints where their Jacobian lacks rank
constexpr double penalty_growth = 1.5;

Vector right_side(const Iterate& point) {
    Vector b(point.x.size() + point.y.size());
    b << -point.lagrangian_gradient, -point.constraints;
    return b;
}

void take(const Outer& outer, const Vector& z, Found& found) {
    const Index n = outer.current.x.size();
    found.direction = {z.head(n), z.tail(z.size() - n)};
    found.parts = slope_parts(outer.current, found.direction);
}

bool penalties_end(const Merit& merit) { return merit.eta1 > 1e8 || merit.eta2 < 1e-8; }

void raise(Merit& merit) {
    merit.eta1 *= penalty_growth * penalty_growth;
    merit.eta2 /= penalty_growth;
}

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
    const Vector b = right_side(outer.current);
    Vector z = Vector::Zero(b.size());
    double tolerance = std::max(std::min(0.1, kkt), 0.1 * outer.options.tol / kkt);
    tolerance = std::min(tolerance, 0.1);
    for (int sharpened = 0;; ++sharpened) {
        outer.inner_residual = outer.solver->solve(b, tolerance, z, outer.context);
        if (!(outer.inner_residual <= std::max(tolerance, 0.1))) return Outcome::Inaccurate;
        take(outer, z, found);
        if (outer.merit.descends(found.parts, kkt)) break;
        if (sharpened == 3 || outer.inner_residual <= 1e-10) break;
        tolerance = std::min(tolerance, outer.inner_residual) / 100;
    }
    if (inertia == Inertia::Unknown && !curved_upward(outer, system, found)) {
        return Outcome::NotDescending;
    }
    Merit merit = outer.merit;
    while (!merit.descends(found.parts, kkt) && !penalties_end(merit)) raise(merit);
    if (!merit.descends(found.parts, kkt)) return Outcome::NotDescending;
    outer.merit = merit;
    return Outcome::Descends;
}

}  // namespace

bool find_direction(Outer& outer, double least_shift, Found& found) {
    System system{outer.current.hessian, outer.current.jacobian};
    system.shift = least_shift;
    for (int attempt = 0; attempt < 40 && !outer.context.stop(); ++attempt) {
        const Inertia inertia = outer.solver->prepare(system, outer.context);
        const bool can_relax = system.relaxation == 0 && system.m() > 0;
        if (inertia == Inertia::Singular && can_relax) {
            system.relaxation = relaxation;
            continue;
        }
        if (inertia == Inertia::Correct || inertia == Inertia::Unknown) {
            const Outcome outcome = solve_forcing(outer, system, inertia, found);
            if (outcome == Outcome::Descends) {
                outer.shift.keep(system.shift);
                outer.used_shift = system.shift;
                return true;
            }
            if (outcome == Outcome::Inaccurate && can_relax) {
                system.relaxation = relaxation;
                continue;
            }
        }
        system.shift = outer.shift.after(system.shift);
        if (system.shift > 1e20) return false;
    }
    return false;
}

namespace {

double frobenius(const LinearMap& map) {
    return map.sparse() != nullptr ? map.sparse()->norm() : map.dense()->norm();
}

// Section 4 of the paper: how accurate a solution must be for its direction to descend, from a
// bound Psi of the inverse. Constants are those of the authors' experiments.
class AdaptiveBound {
public:
    AdaptiveBound(const System& system, double shift) {
        const Matrix all = dense_matrix(system);
        const Index n = system.n(), m = system.m();
        const auto g = all.bottomLeftCorner(m, n);
        const double least =
            m == 0 ? 1.0
                   : Eigen::SelfAdjointEigenSolver<Matrix>(g * g.transpose(),
                                                           Eigen::EigenvaluesOnly)
                         .eigenvalues()[0];
        const double norm_b = std::max(all.topLeftCorner(n, n).squaredNorm(), 1.0);
        norm_ = all.norm();
        // The authors stop where the eigenvalue is below a hundredth; here it counts as that.
        psi_ = 20 * norm_b / (std::clamp(least, 1e-2, 1.0) * std::min(shift, 1.0));
        upsilon_ = std::max({g.norm(), frobenius(*system.hessian), 1.0});
    }

    double trial_delta(const Merit& merit, double beta) const {
        return (0.5 - beta) * merit.eta2 /
               ((1 + merit.eta1 + merit.eta2) * upsilon_ * upsilon_ * psi_ * psi_);
    }
    double tolerance(double delta) const { return delta / (norm_ * psi_); }

private:
    double norm_ = 0, psi_ = 0, upsilon_ = 0;
};

}  // namespace

bool find_adaptive_direction(Outer& outer, Found& found) {
    constexpr double least_shift = 0.1, least_eigenvalue = 1e-6, beta = 0.1, least_delta = 1e-6;
    System system{outer.current.hessian, outer.current.jacobian};
    if (system.m() < system.n()) {
        // The reduced Hessian's eigenvalues are above t where [H - t I, G'; G, 0] has n positive
        // ones.
        System test = system;
        test.shift = -least_eigenvalue;
        if (make_dense_ldlt()->prepare(test, outer.context) != Inertia::Correct) {
            system.shift = least_shift + frobenius(*system.hessian);
        }
    }
    outer.solver->prepare(system, outer.context);
    const AdaptiveBound bound(system, least_shift);
    const double kkt = outer.current.kkt();
    const Vector b = right_side(outer.current);
    Vector z = Vector::Zero(b.size());
    outer.delta = std::max(std::min(outer.delta, bound.trial_delta(outer.merit, beta)),
                           least_delta);
    for (;;) {
        outer.inner_residual =
            outer.solver->solve(b, bound.tolerance(outer.delta), z, outer.context);
        if (outer.context.stop()) return false;
        take(outer, z, found);
        if (outer.merit.descends(found.parts, kkt) || penalties_end(outer.merit)) break;
        raise(outer.merit);
        outer.delta = std::max(std::min(outer.delta / std::pow(penalty_growth, 4),
                                        bound.trial_delta(outer.merit, beta)),
                               least_delta);
    }
    outer.used_shift = system.shift;
    return outer.merit.slope(found.parts) < 0;
}

}  // namespace cycloid::newton
