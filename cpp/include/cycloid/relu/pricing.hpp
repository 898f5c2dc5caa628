// Which neurons would lower the objective, and how far the dual point is from being feasible for
// every neuron there could be.
//
// With the dual point A (n x outputs, the derivative of the loss) let
//
//     b(A) = max { |A'(X u)_+| : |u| <= 1 }.
//
// If b(A) <= alpha, -L*(A) is a lower bound of the objective of every network, whatever its width;
// in any case -L*(A / max(1, b(A) / alpha)) is. A neuron u with |A'(X u)_+| > alpha and the output
// direction -A'(X u)_+ lowers the objective.
#pragma once

#include "cycloid/relu/patterns.hpp"

namespace cycloid::relu {

struct Candidates {
    Matrix u;          // d x B, unit vectors
    Matrix generator;  // d x B, points whose patterns are those of cones with u
    Matrix direction;  // outputs x B, unit vectors
    Vector size;       // |A'(X u)_+|, descending
    double bound = 0;  // at least b(A) if rigorous, else the largest value found
    bool rigorous = false;
};

struct PricingOptions {
    Index most = 50;      // candidates returned
    Index max_iter = 60;  // ascent steps from each start
    Index refined = 40;   // of the best, by exact maximisation over cells and their neighbours
    double above = 0;     // only candidates of larger size
};

// Ascent from each start (columns; unit vectors are not required).
Candidates price(const MatrixView& x, const Matrix& dual, const Matrix& starts,
                 const PricingOptions& options, const Context& context);

// One output alone: exact, over all cells of the arrangement, as `all_patterns` gives them.
Candidates price_cells(const MatrixView& x, const Matrix& dual, const Patterns& all,
                       const PricingOptions& options, const Context& context);

// |X'A| / 2 + sqrt(sum_k r_k lambda_max(X' diag(r) X)) / 2 >= b(A), where r_k is |a_k|; for one
// output r is the positive or the negative part of a, whichever gives more. Cheap, rigorous, loose.
double price_bound(const MatrixView& x, const Matrix& dual, const Context& context);

// The point of the cone { (2 D - I) X v >= 0 } nearest to q, by Lawson & Hanson's active sets for
// its multipliers: v = q + X'(2 D - I) mu with mu >= 0, so |v| >= max { q'w : w in the cone,
// |w| <= 1 } whenever it stops.
struct ConePoint {
    Vector v;
    std::vector<Index> walls;  // where mu > 0
};
ConePoint project_on_cone(const MatrixView& x, const std::uint8_t* pattern, const Vector& q,
                          const Context& context);

}  // namespace cycloid::relu
