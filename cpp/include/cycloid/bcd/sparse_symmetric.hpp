// A sparse symmetric matrix, as a graph: the diagonal, and for each node its neighbours.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "cycloid/core/compressed.hpp"
#include "cycloid/core/parallel.hpp"

namespace cycloid::bcd {

using Node = std::int32_t;

struct SparseSymmetric {
    std::vector<double> diagonal;
    std::vector<Index> starts;  // size() + 1
    std::vector<Node> columns;  // both triangles, without the diagonal, ascending within a row
    std::vector<double> values;

    Index size() const { return std::ssize(diagonal); }
    std::span<const Node> neighbours(Index i) const {
        return {columns.data() + starts[at(i)], columns.data() + starts[at(i) + 1]};
    }
    std::span<const double> couplings(Index i) const {
        return {values.data() + starts[at(i)], values.data() + starts[at(i) + 1]};
    }
    // out = A x for `width` vectors side by side: entry k of vector c is at [width * k + c].
    void multiply(const double* x, Index width, double* out) const;

private:
    static std::size_t at(Index i) { return static_cast<std::size_t>(i); }
};

// From the arrays of a CSR or CSC matrix; std::invalid_argument unless it is symmetric. Values that
// differ from their mirror images by rounding errors become their mean.
template <class Scalar, class StorageIndex>
SparseSymmetric make_symmetric(const Scalar* values, const StorageIndex* indices,
                               const StorageIndex* starts, Index n);

}  // namespace cycloid::bcd
