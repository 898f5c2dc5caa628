// The convex program of a two-layer ReLU network whose activation patterns are given.
//
// A block b is one neuron to be: a pattern D_b = diag(1[X a >= 0]) of the samples, and a unit
// vector g_b of the outputs. With v_b in R^d
//
//     minimise   L( sum_b D_b X v_b g_b' + 1 c' )  +  alpha sum_b |v_b|
//     subject to (2 D_b - I) X v_b >= 0 for every b            (free: gated ReLU)
//
// where c is the outputs' intercept (absent without one). One output and directions +1 and -1 for
// each pattern give program (2) of Bai, Gautam & Sojoudi; with several outputs, directions +-e_k
// are one network an output, and any other direction is a neuron that several outputs share. The
// value is that of the network with neurons u_b = v_b / sqrt|v_b|, a_b = sqrt|v_b| g_b in
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
    Matrix v;     // d x B, each in its cone
    RowVector c;  // intercept of the outputs, zero without one
    Matrix dual;  // n x c: a, scaled to be feasible
    Matrix
        cone_multipliers;  // n x B (or empty): mu >= 0 of (2 D - I) X v >= 0, with the dual's scale
};

struct Solution {
    Point point;
    double objective = 0;    // of the feasible point
    double lower_bound = 0;  // -L*(dual): of the program with these blocks
    Index n_iter = 0;
    Status status = Status::MaxIter;
    Trace trace{{"iteration", "seconds", "objective", "lower_bound"}};
};

// The linear maps. Below, `products` are X V (n x B): what predictions and cone values share.

// X V, and X' R, by threads.
void multiply(const Program& program, const MatrixView& v, const Context& context, Matrix& out);
void multiply_transposed(const Program& program, const MatrixView& r, const Context& context,
                         Matrix& out);
// sum_b D_b (X v_b) g_b' + 1 c'
void predictions(const Program& program, const MatrixView& products, const RowVector& c,
                 const Context& context, Matrix& out);
// Of V without intercept; its products are not kept.
void features(const Program& program, const MatrixView& v, const Context& context, Matrix& out);
// D o (A G), which X' makes the adjoint of the predictions.
void spread(const Program& program, const MatrixView& a, const Context& context, Matrix& out);
// (2 D - I) o R
void signed_rows(const Program& program, const MatrixView& r, const Context& context, Matrix& out);
// X' (D o (A G))
void adjoint(const Program& program, const MatrixView& a, const Context& context, Matrix& out);

double penalty(const MatrixView& v);  // sum_b |v_b|

// Of V, c with these products.
double objective(const Program& program, const MatrixView& v, const RowVector& c,
                 const MatrixView& products, const Context& context);

// x_k' a of the generators; how far v is from its cone is measured against it.
Matrix generator_margins(const Program& program, const Context& context);

// Moves each v_b along its generator until it is in its cone, and updates the products. A block
// becomes zero where the generator does not lead into the cone. `margins` as above. Gated programs
// have no cones: nothing is changed.
void lift(const Program& program, const Matrix& margins, Matrix& v, Matrix& products,
          const Context& context);

// The largest |X' (D_b A g_b - (2 D_b - I) mu_b)| over the blocks. (a, mu) is feasible for the dual
//     maximise -L*(A)   subject to   that <= alpha, mu >= 0, and 1' A = 0 with an intercept.
double dual_norm(const Program& program, const MatrixView& a, const MatrixView& multipliers,
                 const Context& context);

// Makes (a, mu) feasible: moves a into the domain of L*, with columns that sum to zero if there is
// an intercept, then scales both. Returns -L*(a), a lower bound of the program. mu >= 0, or empty
// for zero.
double make_feasible(const Program& program, Matrix& a, Matrix& multipliers,
                     const Context& context);

// The network of the blocks that are not zero.
struct Network {
    Matrix u;     // d x m
    Matrix a;     // c x m
    RowVector c;  // intercept of the outputs
};
Network recover(const Program& program, const Point& point);

// L( sum_j (X u_j)_+ a_j' + 1 c' ) + alpha / 2 sum_j (|u_j|^2 + |a_j|^2)
double network_objective(const Program& program, const Network& network);

}  // namespace cycloid::relu
