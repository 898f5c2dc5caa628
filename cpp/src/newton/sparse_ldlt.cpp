#include <Eigen/SparseCholesky>
#include <Eigen/SparseLU>
#include <memory>

#include "cycloid/newton/inner.hpp"
#include "refinement.hpp"

namespace cycloid::newton {
namespace {

using Factor = Eigen::SimplicialLDLT<SparseMatrix, Eigen::Lower, Eigen::AMDOrdering<int>>;
using Lu = Eigen::SparseLU<SparseMatrix, Eigen::COLAMDOrdering<int>>;

// L D L' without pivoting exists for every ordering where the matrix is quasi-definite, and almost
// that is made of it: rho is added to the one diagonal block and taken from the other. Refinement
// makes that good. Far from quasi-definite, pivots can be so small that refinement does not
// converge: then L U with pivoting takes over for this matrix.
class SparseLdlt final : public LinearSolver {
public:
    Inertia prepare(const System& system, const Context&) override {
        system_ = system;
        lu_.reset();
        SparseMatrix lower = sparse_lower(system);
        const Index n = system.n(), m = system.m();
        const double largest = lower.nonZeros() > 0 ? lower.coeffs().abs().maxCoeff() : 0.0;
        const double rho = regularization * std::max(largest, std::numeric_limits<double>::min());
        for (Index j = 0; j < n + m; ++j) {  // a column begins with its diagonal entry
            lower.valuePtr()[lower.outerIndexPtr()[j]] += j < n ? rho : -rho;
        }
        if (!same_pattern(lower)) factor_.analyzePattern(lower);
        pattern_ = lower;
        factor_.factorize(lower);
        factored_ = factor_.info() == Eigen::Success;
        if (!factored_) return Inertia::Singular;
        const Vector& d = factor_.vectorD();
        if (!d.allFinite()) return Inertia::Singular;
        return (d.array() < 0).count() == m ? Inertia::Correct : Inertia::Wrong;
    }

    double solve(const Vector& b, double tolerance, Vector& z, const Context& context) override {
        const double target = std::min(tolerance, 1e-12);
        double reached = std::numeric_limits<double>::infinity();
        if (factored_ && lu_ == nullptr) {
            reached = refine(
                system_, b, target, z, [&](Vector& x) { x = factor_.solve(x).eval(); }, context);
        }
        if (reached <= std::max(tolerance, 1e-8) || context.stop()) return reached;
        if (lu_ == nullptr) {
            lu_ = std::make_unique<Lu>();
            const SparseMatrix all = sparse_lower(system_).selfadjointView<Eigen::Lower>();
            lu_->compute(all);
        }
        if (lu_->info() != Eigen::Success) return reached;
        Vector other = Vector::Zero(z.size());
        const double second = refine(
            system_, b, target, other, [&](Vector& x) { x = lu_->solve(x).eval(); }, context);
        if (!(second < reached)) return reached;
        z = std::move(other);
        return second;
    }

private:
    static constexpr double regularization = 1e-9;  // of the largest entry

    bool same_pattern(const SparseMatrix& a) const {
        return a.rows() == pattern_.rows() && a.nonZeros() == pattern_.nonZeros() &&
               std::equal(a.outerIndexPtr(), a.outerIndexPtr() + a.cols() + 1,
                          pattern_.outerIndexPtr()) &&
               std::equal(a.innerIndexPtr(), a.innerIndexPtr() + a.nonZeros(),
                          pattern_.innerIndexPtr());
    }

    System system_;
    SparseMatrix pattern_;
    Factor factor_;
    std::unique_ptr<Lu> lu_;
    bool factored_ = false;
};

}  // namespace

std::unique_ptr<LinearSolver> make_sparse_ldlt() { return std::make_unique<SparseLdlt>(); }

}  // namespace cycloid::newton
