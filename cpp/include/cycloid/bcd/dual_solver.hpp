// Ridge logistic regression by coordinate descent on its dual (Yu, Huang & Lin 2011), one dual
// variable a row:
//
//     max_a  sum_i w_i entropy(a_i) - sum_j (x_j'u)^2 / (2 ridge v_j),   u_i = w_i y_i a_i,
//
// for a matrix with sparse rows. Rows that overlap little make a well-conditioned dual: an epoch
// costs two passes over the stored values and gains a digit, where Newton's method on the primal
// needs several passes a digit. It keeps b = X'u / (ridge v) along the way.
//
// An intercept would ask for sum(u) = 0. It is carried as one more column with a ridge of its own,
// which pulls towards the intercept of the epoch before (the proximal point method) and so vanishes
// as epochs converge.
#pragma once

#include <span>
#include <vector>

#include "cycloid/bcd/gram_solver.hpp"
#include "cycloid/core/operator.hpp"

namespace cycloid::bcd {

class DualSolver {
public:
    // Copies the rows of a sparse x. y (-1 or +1), w and v (penalty weights > 0, or null: all one)
    // outlive the solver.
    DualSolver(const Operator& x, const double* y, const double* w, const double* v,
               bool intercept);

    // Whether the rows could be copied.
    bool usable() const { return usable_; }

    // Starts from the dual direction u and its slopes X'u at the current point, and leaves the new
    // point in b and b0. Stops when the duality gap is below the tolerance by its own estimate
    // (rows are in single precision, so the caller measures). False: epochs gain too little, go on
    // with another method.
    bool solve(double ridge, std::span<const double> u, std::span<const double> slope,
               double tolerance, std::span<double> b, double& b0, const Context& context,
               Effort& effort);

private:
    void start(double ridge, std::span<const double> u, std::span<const double> slope);
    double epoch(double ridge, const Context& context);

    const double *y_, *w_;
    bool intercept_, usable_ = false;
    RowBlock rows_;
    double square_ = 0;          // mean of w_i |x_i|^2
    std::vector<double> scale_;  // 1 / sqrt(v): columns (and b) are scaled to a common ridge
    std::vector<double> b_;
    std::vector<double> a_, margin_;  // a = 1 / (1 + exp(margin)), always
    double b0_ = 0, imbalance_ = 0;   // imbalance: sum(u)
    double pull_ = 0;                 // 1 / the intercept's own ridge; 0 without intercept
};

}  // namespace cycloid::bcd
