// The quadratic subproblem of gram_solver.hpp where the matrix of the support is singular or nearly
// so: with as many columns as samples, or twins among them, descent crawls and a Newton step is
// worth its first sign change only. Here a proximal term makes every system definite,
//
//     b_next = argmin model(b) + penalty(b) + sum_j rho G_jj (b_j - b_now_j)^2 / 2,
//
// and each of these problems is solved by semismooth Newton steps on its dual, which change any
// number of signs at once (Li, Sun & Toh, SIAM J. Optim. 28, 2018: Algorithms 1 and 2, here with
// the dual vector y = y_0 - X c kept as its coefficients c, so that the Gram matrix is all it
// takes). rho falls as long as few steps are needed; the outer steps then converge superlinearly.
#pragma once

#include <Eigen/Core>
#include <span>
#include <vector>

#include "cycloid/bcd/gram_solver.hpp"

namespace cycloid::bcd {

class ProximalPoint {
public:
    using Matrix = GramSolver<double>::Matrix;
    using Vector = GramSolver<double>::Vector;

    // As GramSolver::solve, down to the tolerance or to where rounding stops it.
    void solve(const Matrix& gram, std::span<const Penalty> penalty, Vector b, Vector slope,
               double tolerance, const Context& context, Effort& effort);

private:
    using Index = Eigen::Index;

    void point(const Matrix& gram, std::span<const Penalty> penalty, const Context& context);
    bool newton_step(const Matrix& gram, std::span<const Penalty> penalty, const Context& context);
    bool accept(std::span<const Penalty> penalty, Vector& b, Vector& slope) const;
    double rise(std::span<const Penalty> penalty, double step) const;

    Eigen::VectorXd centre_, ridge_;       // b_now, rho G_jj
    Eigen::VectorXd c_, v_;                // dual variable as coefficients; slopes there
    Eigen::VectorXd b_, excess_, image_;   // primal point at v; b - c; G (b - c)
    Eigen::VectorXd way_, way_image_, t_;  // Newton direction of c; G times it; its system
    Eigen::MatrixXd factor_;
    std::vector<Index> support_;
};

}  // namespace cycloid::bcd
