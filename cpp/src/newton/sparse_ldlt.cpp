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
        SparseMatrix lower = sparse_lower(system);
        const Index n = system.n(), m = system.m();
        const double largest = lower.nonZeros() > 0 ? lower.coeffs().abs().maxCoeff() : 0.0;
        const double rho = regularization * std::max(largest, std::numeric_limits<double>::min());
        for (Index j = 0; j < n + m; ++j) {  // a column begins with its diagonal entry
            lower.valuePtr()[lower.outerIndexPtr()[j]] += j < n ? rho : -rho;
        }
        const bool again = same_pattern(lower);
        if (again && same_values(lower)) return inertia_;
        if (!again) factor_.analyzePattern(lower);
        matrix_.swap(lower);
        lu_.reset();
        return inertia_ = factorize();
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
        return a.rows() == matrix_.rows() && a.nonZeros() == matrix_.nonZeros() &&
               std::equal(a.outerIndexPtr(), a.outerIndexPtr() + a.cols() + 1,
                          matrix_.outerIndexPtr()) &&
               std::equal(a.innerIndexPtr(), a.innerIndexPtr() + a.nonZeros(),
                          matrix_.innerIndexPtr());
    }
    bool same_values(const SparseMatrix& a) const {
        return std::equal(a.valuePtr(), a.valuePtr() + a.nonZeros(), matrix_.valuePtr());
    }

    Inertia factorize() {
        factor_.factorize(matrix_);
        factored_ = factor_.info() == Eigen::Success && factor_.vectorD().allFinite();
        if (!factored_) return Inertia::Singular;
        const bool correct = (factor_.vectorD().array() < 0).count() == system_.m();
        return correct ? Inertia::Correct : Inertia::Wrong;
    }

    System system_;
    SparseMatrix matrix_;  // that was factored
    Inertia inertia_ = Inertia::Singular;
    Factor factor_;
    std::unique_ptr<Lu> lu_;
    bool factored_ = false;
};

}  // namespace

std::unique_ptr<LinearSolver> make_sparse_ldlt() { return std::make_unique<SparseLdlt>(); }

}  // namespace cycloid::newton
