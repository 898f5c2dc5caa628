// A finite sum under equality constraints on its coefficients, as a problem of Newton's method that
// brings its own solver of linear systems: conjugate gradients in the null space of the
// constraints, preconditioned by a gathered or sketched curvature.
#pragma once

#include <optional>

#include "cycloid/newton/precondition.hpp"
#include "cycloid/newton/problem.hpp"

namespace cycloid::newton {

// w'Qw / 2 + q'w = value, Q symmetric, w the coefficients without intercepts.
struct Quadratic {
    Matrix curvature;
    Vector slope;
    double value = 0;
};

struct SumConstraints {
    Matrix a;  // A w = b; no rows: none
    Vector b;
    std::optional<double> squared_norm;  // ||w||^2 = r
    std::vector<Quadratic> quadratics;

    Index count() const {
        return a.rows() + (squared_norm ? 1 : 0) + static_cast<Index>(quadratics.size());
    }
};

// A point that satisfies the linear constraints, and the norm or the first quadratic where it can,
// on the steepest way down from the shortest such point.
Vector first_point(const FiniteSum& sum, const SumConstraints& constraints, const Context& context);

class ConstrainedSum final : public Problem {
public:
    // All three outlive the problem.
    ConstrainedSum(const FiniteSum& sum, const SumConstraints& constraints, std::uint64_t seed,
                   const Context& context)
        : sum_(sum), constraints_(constraints), seed_(seed), context_(context) {}

    Index n() const override { return sum_.dimension(); }
    Index m() const override { return constraints_.count(); }
    double objective(const Vector& x) override { return at(x).value; }
    Vector gradient(const Vector& x) override { return at(x).gradient; }
    Vector constraints(const Vector& x) override;
    Map jacobian(const Vector& x) override;
    Map hessian(const Vector& x, const Vector& y) override;
    std::unique_ptr<LinearSolver> make_solver() override;

private:
    const SumPoint& at(const Vector& x);

    const FiniteSum& sum_;
    const SumConstraints& constraints_;
    std::uint64_t seed_;
    Context context_;
    std::shared_ptr<const SumPoint> last_;  // shared with the Hessians made there
};

}  // namespace cycloid::newton
