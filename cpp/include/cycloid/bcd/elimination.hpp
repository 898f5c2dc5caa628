// Gaussian elimination on a graph, one node of small degree after the other: message passing whose
// messages travel in trees of cliques. What it would fill too much is left to an iteration.
#pragma once

#include <span>
#include <vector>

#include "cycloid/bcd/sparse_symmetric.hpp"
#include "cycloid/core/trace.hpp"

namespace cycloid::bcd {

// A matrix and the sums of its rows. They are data of their own: a graph's Laplacian with a few
// nodes held fixed has sums that are exactly 0 in most rows, and computed from the matrix they
// would be rounding errors.
struct GraphSystem {
    SparseSymmetric matrix;
    std::vector<double> row_sums;

    // No coupling is positive and no row sum negative. Then elimination needs no subtraction, and
    // every number it computes has nearly full relative accuracy.
    bool is_dominant() const;
};

// Computes the row sums; a negative one that may be a rounding error of 0 is 0.
GraphSystem make_system(SparseSymmetric matrix);

// P A P' = L D L' as far as nodes were eliminated.
struct Elimination {
    std::vector<Node> order;     // eliminated nodes
    std::vector<double> pivots;  // D
    std::vector<Index> starts;   // of the columns of L without their ones, by rank in `order`
    std::vector<Node> columns;   // nodes eliminated later, or never
    std::vector<double> values;
    std::vector<Node> kept;  // nodes not eliminated, ascending
    bool positive = true;    // all pivots; otherwise the rest is meaningless
    bool stopped = false;    // by the monitor: likewise

    // x <- L^{-1} x and then D^{-1} of the eliminated part, `width` vectors side by side; and the
    // way back. For a factor of independent blocks, ranks [begin, end) may be those of some.
    void forward(double* x, Index width, Index begin, Index end) const;
    void backward(double* x, Index width, Index begin, Index end) const;
    void forward(double* x, Index width) const { forward(x, width, 0, std::ssize(order)); }
    void backward(double* x, Index width) const { backward(x, width, 0, std::ssize(order)); }
};

struct EliminationLimits {
    Index degree = 32;     // nodes of more neighbours are left
    double fill = 16;      // entries made, as a multiple of those of the matrix
    bool sampled = false;  // all nodes are eliminated, and no limit holds: see below
    std::uint64_t seed = 0;
};

// Eliminates nodes of least degree first, degrees as they are after the eliminations before, until
// a limit is met. Then `core` is what is left: the Schur complement on `kept`, in that order.
//
// `sampled`: in place of the clique that an elimination makes among d neighbours, a random tree of
// d - 1 edges whose expectation is the clique. L D L' is then only near A, but hardly more filled:
// a preconditioner of Laplacian matrices that knows no bad graphs (Gao, Kyng & Spielman 2023,
// "Robust and practical solution of Laplacian equations by approximate elimination"). Needs
// is_dominant().
Elimination eliminate(const GraphSystem& system, const EliminationLimits& limits,
                      const Context& context, GraphSystem& core);

}  // namespace cycloid::bcd
