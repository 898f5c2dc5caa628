#include "cycloid/newton/inner.hpp"
#include "cycloid/newton/symmetric_factor.hpp"
#include "refinement.hpp"

namespace cycloid::newton {
namespace {

class DenseLdlt final : public LinearSolver {
public:
    Inertia prepare(const System& system, const Context& context) override {
        system_ = system;
        if (!factor_.factorize(dense_matrix(system), context)) return Inertia::Unknown;
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
    SymmetricFactor factor_;
};

}  // namespace

std::unique_ptr<LinearSolver> make_dense_ldlt() { return std::make_unique<DenseLdlt>(); }

}  // namespace cycloid::newton
