// The two methods of Bai, Gautam & Sojoudi, "Efficient global optimization of two-layer ReLU
// networks", as published: for comparison, and for those who study them. Both copy the rows of all
// cones, s = G u with G u = ((2 D_b - I) X u_b)_b, beside v = u. Each certificate projects v onto
// the cones, as their iterates are feasible in the limit only.
//
// Throw std::invalid_argument for what they do not cover: several outputs, an intercept, gated
// networks, and the losses named below.
#pragma once

#include <cstdint>

#include "cycloid/relu/program.hpp"

namespace cycloid::relu {

// Section 3, for squared losses: a dense matrix of order d B, formed and factored once.
struct DenseAdmmOptions {
    double tol = 1e-4;  // on (objective - lower bound) / |objective|
    Index max_iter = 20000;
    double penalty = 10;   // rho, where losses are sums over the samples
    double dual_step = 1;  // gamma_a / rho
    Index check_interval = 20;
};

// Section 4, for differentiable losses: gradient steps for random blocks with Armijo's rule take
// the place of the linear system. Where losses are sums over the samples:
struct BlockDescentOptions {
    double tol = 1e-4;
    Index max_iter = 200;          // outer iterations
    double penalty = 10;           // rho, grows by 1e-4 an iteration
    double dual_step = 0.25;       // gamma_a / rho, shrinks by 1 % an iteration
    double least_decrease = 0.85;  // mean decrease that ends the inner loop, shrinks by 4 %
    std::uint64_t seed = 0;
};

Solution solve_dense_admm(const Program& program, const DenseAdmmOptions& options,
                          const Context& context);
Solution solve_block_descent_admm(const Program& program, const BlockDescentOptions& options,
                                  const Context& context);

}  // namespace cycloid::relu
