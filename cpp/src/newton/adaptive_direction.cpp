#include <Eigen/Eigenvalues>
#include <cmath>

#include "outer.hpp"

namespace cycloid::newton {
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
        const double least = m == 0 ? 1.0
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
    const Vector b = newton_right_side(outer.current);
    Vector z = Vector::Zero(b.size());
    outer.delta =
        std::max(std::min(outer.delta, bound.trial_delta(outer.merit, beta)), least_delta);
    for (;;) {
        outer.inner_residual =
            outer.solver->solve(b, bound.tolerance(outer.delta), z, outer.context);
        if (outer.context.stop()) return false;
        found = {outer.current, z};
        if (outer.merit.descends(found.parts, kkt) || outer.merit.eta1 > 1e8 ||
            outer.merit.eta2 < 1e-8)
            break;
        outer.merit.raise();
        outer.delta = std::max(std::min(outer.delta / std::pow(Merit::growth, 4),
                                        bound.trial_delta(outer.merit, beta)),
                               least_delta);
    }
    outer.used_shift = system.shift;
    outer.used_relaxation = 0;
    return outer.merit.slope(found.parts) < 0;
}

}  // namespace cycloid::newton
