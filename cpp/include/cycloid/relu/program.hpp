// The convex program of a two-layer ReLU network whose activation patterns are given.
//
// A block b is one neuron to be: a pattern D_b = diag(1[X a >= 0]) of the samples, and a unit vector
// g_b of the outputs. With v_b in R^d
//
//     minimise   L( sum_b D_b X v_b g_b' + 1 c' )  +  alpha sum_b |v_b|
//     subject to (2 D_b - I) X v_b >= 0 for every b            (free: gated ReLU)
//
// where c is the outputs' intercept (absent without one). One output and directions +1 and -1 for
// each pattern give program (2) of Bai, Gautam & Sojoudi; with several outputs, directions +-e_k are
// one network an output, and any other direction is a neuron that several outputs share. The value
// is that of the network with neurons u_b = v_b / sqrt|v_b|, a_b = sqrt|v_b| g_b in
//
//     minimise   L( sum_j (X u_j)_+ a_j' + 1 c' ) + alpha / 2 sum_j (|u_j|^2 + |a_j|^2).
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <vector>

#include "cycloid/core/trace.hpp"
#include "cycloid/relu/loss.hpp"

namespace cycloid::relu {

using MatrixView = Eigen::Ref<const Matrix>;
using Mask = Eigen::Matrix<std::uint8_t, Eigen::Dynamic, Eigen::Dynamic>;

// Distinct patterns, and for each a point strictly inside its cone where there is one.
struct Patterns {
    Mask active;        // n x P: 1 where X a >= 0
    Matrix generators;  // d x P: unit vectors a

    Index count() const { return active.cols(); }
};

// One entry a block.
struct Blocks {
    std::vector<Index> pattern;  // B: column of `active`
    Matrix direction;            // c x B: unit vectors

    Index count() const { return direction.cols(); }
};

struct Program {
    MatrixView x;  // n x d; a column of ones in it gives the neurons a bias
    const Loss& loss;
    const Patterns& patterns;
    const Blocks& blocks;
    double alpha;
    bool intercept = true;  // c, not penalised
    bool gated = false;     // no cone constraints
};

// Where a solve begins, and where it ends.
struct Point {
    Matrix v;                  // d x B, each in its cone
    Eigen::RowVectorXd c;      // intercept of the outputs, zero without one
    Matrix dual;               // n x c: a, scaled to be feasible
    Matrix cone_multipliers;   // n x B (or empty): mu >= 0 of (2 D - I) X v >= 0, with the dual's scale
};

struct Solution {
    Point point;
    double objective = 0;    // of the feasible point
    double lower_bound = 0;  // -L*(dual): of the program with these blocks
    Index n_iter = 0;
    Status status = Status::MaxIter;
    Trace trace{{"iteration", "seconds", "objective", "lower_bound"}};
};

}  // namespace cycloid::relu
