#include "cycloid/newton/inner.hpp"
#include "cycloid/newton/symmetric_factor.hpp"
#include "refinement.hpp"

namespace cycloid::newton {
namespace {

class DenseLdlt final : public LinearSolver {
public:
    Inertia prepare(const System& system, const Context& context) override {
        // Another shift needs no other entries, which can be dear.
        if (system.hessian != system_.hessian || system.jacobian != system_.jacobian) {
            plain_ = dense_matrix({system.hessian, system.jacobian});
        }
        system_ = system;
        Matrix shifted = plain_;
        shifted.diagonal().head(system.n()).array() += system.shift;
        shifted.diagonal().tail(system.m()).array() -= system.relaxation;
        if (!factor_.factorize(std::move(shifted), context)) return Inertia::Unknown;
        if (factor_.zero() > 0) return Inertia::Singular;
        return factor_.negative() == system.m() ? Inertia::Correct : Inertia::Wrong;
    }

    double solve(const Vector& b, double tolerance, Vector& z, const Context& context) override {
        return refine(
            system_, b, std::min(tolerance, 1e-12), z, [&](Vector& x) { factor_.solve(x); },
            context);
    }

private:
    System system_;
    Matrix plain_;  // without shift and relaxation
    SymmetricFactor factor_;
};

}  // namespace

std::unique_ptr<LinearSolver> make_dense_ldlt() { return std::make_unique<DenseLdlt>(); }

}  // namespace cycloid::newton
