// Random matrices S with E[S'S] = I that compress the rows of a tall matrix. An entry of S is a
// function of (seed, position), so S A is the same for any number of threads.
#pragma once

#include "cycloid/core/random.hpp"
#include "cycloid/newton/rows.hpp"

namespace cycloid::newton {

template <class Real>
using RowMatrix = Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

enum class SketchKind {
    Gaussian,    // independent N(0, 1 / rows)
    SparseSign,  // in each column `per_column` entries +-1 / sqrt(per_column); 1: count-sketch
    Srht,        // sqrt(N / rows) R H D: random signs, Walsh-Hadamard transform, random rows
};

struct Sketch {
    SketchKind kind = SketchKind::SparseSign;
    Index rows = 0, columns = 0;
    std::uint64_t seed = 0;
    Index per_column = 8;
};

// The length of the transform of an Srht sketch: the power of two not below `columns`.
Index transform_length(Index columns);

// `count` of the numbers 0 .. n - 1, drawn without replacement, in ascending order; all where count
// is not less than n.
std::vector<Index> draw(Index n, Index count, std::uint64_t seed);

// S diag(factors) X, factors of one a row of X or null. What it returns after a stop means nothing.
template <class Real>
RowMatrix<Real> apply(const Sketch& sketch, const Rows& x, const double* factors,
                      const Context& context);

}  // namespace cycloid::newton
