// Conjugate gradients for a Newton system with few constraints, in their null space: each step is
// taken by
//
//     P = [ M  G' ; G  -relaxation I ],
//
// where M approximates H, so that all iterates satisfy the second row (Gould, Hribar & Nocedal,
// SIAM J. Sci. Comput. 23, 2001, Alg. 6.2).
#pragma once

#include <Eigen/Cholesky>
#include <functional>

#include "cycloid/newton/precondition.hpp"

namespace cycloid::newton {

class ProjectedCg {
public:
    // H, shift included, and M, factored; both outlive the solves. False if G does not have full
    // rank by what M makes of it, and no relaxation helps.
    using Product = std::function<Vector(const Vector&)>;
    bool prepare(Product hessian, const Preconditioner& m, Matrix jacobian, double relaxation);

    // Continues from z until ||A z - b|| <= tolerance ||b||: the relative residual reached. Ends
    // before, too, in a direction of no or negative curvature and where rounding hides progress.
    double solve(const Vector& b, double tolerance, Vector& z, const Context& context);

    Index iterations() const { return iterations_; }
    bool negative_curvature() const { return negative_curvature_; }

private:
    Vector precondition(const Vector& r) const;
    void start(const Vector& b, const Vector& z);
    double residual(const Vector& b, const Vector& z) const;

    Product hessian_;
    const Preconditioner* m_ = nullptr;
    Matrix jacobian_, towards_;  // G, and M^{-1} G'
    Matrix schur_;               // G M^{-1} G' + relaxation I
    Eigen::LDLT<Matrix> schur_factor_;
    double relaxation_ = 0;
    Vector right_side_, reached_;         // of the solve that may be continued
    Vector slope_, descent_, direction_;  // r and P^{-1} r, both of H's rows alone; p
    double slope_descent_ = 0;
    Index iterations_ = 0;
    bool negative_curvature_ = false;
};

}  // namespace cycloid::newton
