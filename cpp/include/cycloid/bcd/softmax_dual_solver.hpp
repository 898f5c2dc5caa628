// Ridge multinomial regression by block coordinate ascent on its dual (Yu, Huang & Lin 2011,
// section 5): one block, the probabilities p_i of a sample, at a time,
//
//     max_p  sum_i w_i entropy(p_i) - |X'u|^2 / (2 ridge),   u_i = w_i (e_{y_i} - p_i),
//
// for a matrix with sparse rows. As in dual_solver.hpp, rows that overlap little make this
// well-conditioned where Newton's method on the primal needs several passes over the data a digit,
// and an intercept is a column with a ridge of its own, which vanishes as epochs converge.
//
// Everything is in single precision, which halves the traffic that an epoch consists of: what comes
// out is a dual point, and the caller computes the primal point of it in double precision.
#pragma once

#include <vector>

#include "cycloid/bcd/gram_solver.hpp"
#include "cycloid/bcd/group_support.hpp"
#include "cycloid/bcd/outputs_loss.hpp"
#include "cycloid/core/operator.hpp"

namespace cycloid::bcd {

class SoftmaxDualSolver {
public:
    // Copies the rows of a sparse x; what the response points to outlives the solver.
    SoftmaxDualSolver(const Operator& x, const Response& response, bool intercept);

    // Whether the rows could be copied.
    bool usable() const { return usable_; }

    // Starts from the dual direction u and its slopes X'u (rows as columns of x) at the current
    // point; leaves a better u and the intercept that belongs to it. Stops when the duality gap is
    // below the tolerance by its own estimate. False: epochs gain too little, go on with another
    // method.
    bool solve(double ridge, Outputs& u, const Outputs& slope, double tolerance,
               Eigen::VectorXd& b0, const Context& context, Effort& effort);

private:
    void start(double ridge, const Outputs& u, const Outputs& slope);
    double dual(double scale, double square, const Outputs& u) const;
    double epoch(double ridge, const Context& context);
    double relax(Index i, double ridge);

    Response r_;
    bool intercept_, usable_ = false;
    RowBlock rows_;
    double square_ = 0;                 // mean of w_i |x_i|^2
    float pull_ = 0;                    // 1 / the intercept's own ridge; 0 without intercept
    std::vector<float> b_;              // n_outputs a column of x
    std::vector<float> logarithm_, p_;  // log(p) and p, n_outputs a sample
    std::vector<float> b0_, imbalance_, score_, target_, before_;
};

}  // namespace cycloid::bcd
