#include <Eigen/Eigenvalues>
#include <cmath>

#include "outer.hpp"

namespace cycloid::newton {
namespace {

constexpr double least_shift = 0.1, least_eigenvalue = 1e-6, least_delta = 1e-6;

// Section 4 of the paper: how accurate a solution must be for its direction to descend, from a
// bound Psi of the inverse. Constants are those of the authors' experiments.
class AdaptiveBound {
public:
    AdaptiveBound(const Matrix& kkt_matrix, Index n, double shift) {
        const auto h = kkt_matrix.topLeftCorner(n, n);
        const auto g = kkt_matrix.bottomLeftCorner(kkt_matrix.rows() - n, n);
        const Matrix gram = g * g.transpose();
        const double least =
            gram.rows() == 0 ? 1.0
                             : Eigen::SelfAdjointEigenSolver<Matrix>(gram, Eigen::EigenvaluesOnly)
                                   .eigenvalues()[0];
        const double shifted = (h + shift * Matrix::Identity(n, n)).squaredNorm();
        norm_ = std::sqrt(shifted + 2 * g.squaredNorm());
        // The authors stop where the eigenvalue is below a hundredth; here it counts as that.
        psi_ = 20 * std::max(shifted, 1.0) /
               (std::clamp(least, 1e-2, 1.0) * std::min(least_shift, 1.0));
        upsilon_ = std::max({g.norm(), h.norm(), 1.0});
    }

    double trial_delta(const Merit& merit) const {
        return (0.5 - paper_sufficient) * merit.eta2 /
               ((1 + merit.eta1 + merit.eta2) * upsilon_ * upsilon_ * psi_ * psi_);
    }
    double tolerance(double delta) const { return delta / (norm_ * psi_); }

private:
    double norm_ = 0, psi_ = 0, upsilon_ = 0;
};

}  // namespace

bool find_adaptive_direction(Outer& outer, Found& found) {
    System system{outer.current.hessian, outer.current.jacobian};
    const Matrix kkt_matrix = dense_matrix(system);
    if (system.m() < system.n()) {
        // The reduced Hessian's eigenvalues are above t where [H - t I, G'; G, 0] has n positive
        // ones.
        System test = system;
        test.shift = -least_eigenvalue;
        if (make_dense_ldlt()->prepare(test, outer.context) != Inertia::Correct) {
            system.shift = least_shift + kkt_matrix.topLeftCorner(system.n(), system.n()).norm();
        }
    }
    outer.solver->prepare(system, outer.context);
    const AdaptiveBound bound(kkt_matrix, system.n(), system.shift);
    const double kkt = outer.current.kkt();
    const Vector b = newton_right_side(outer.current);
    Vector z = Vector::Zero(b.size());
    outer.delta = std::max(std::min(outer.delta, bound.trial_delta(outer.merit)), least_delta);
    for (;;) {
        outer.inner_residual =
            outer.solver->solve(b, bound.tolerance(outer.delta), z, outer.context);
        if (outer.context.stop()) return false;
        found = {outer.current, z};
        if (outer.merit.descends(found.parts, kkt)) break;
        if (outer.merit.eta1 > 1e8 || outer.merit.eta2 < 1e-8) break;
        outer.merit.raise();
        outer.delta = std::max(
            std::min(outer.delta / std::pow(Merit::growth, 4), bound.trial_delta(outer.merit)),
            least_delta);
    }
    outer.used_shift = system.shift;
    outer.used_relaxation = 0;
    return outer.merit.slope(found.parts) < 0;
}

}  // namespace cycloid::newton
