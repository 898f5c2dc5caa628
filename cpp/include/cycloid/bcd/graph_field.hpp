// Values on the nodes of a graph that are smooth along its edges: harmonic functions, label
// propagation, the mean of a Gaussian field.
#pragma once

#include <vector>

#include "cycloid/bcd/positive_definite.hpp"

namespace cycloid::bcd {

struct GraphField {
    PositiveDefiniteSolution solution;
    std::vector<Node> loose;  // nodes that nothing holds, by any path: their values are left alone
};

// Minimises, for each of `width` vectors f side by side,
//     sum_{i<j} w_ij (f_i - f_j)^2 + sum_i strength_i (f_i - values_i)^2
// over non-negative weights w (the diagonal does not matter); strength_i = infinity fixes f_i at
// values_i. std::invalid_argument for a negative weight.
GraphField solve_field(const SparseSymmetric& weights, const double* strength,
                       const double* values, Index width, double* f,
                       const PositiveDefiniteOptions& options, Monitor& monitor);

}  // namespace cycloid::bcd
