// Costs of moving mass, one row of the matrix at a time.
#pragma once

#include <memory>
#include <vector>

#include "cycloid/core/parallel.hpp"

namespace cycloid::ot {

class Cost {
public:
    virtual ~Cost() = default;
    virtual Index rows() const = 0;
    virtual Index columns() const = 0;
    // The costs of row i: the matrix itself, or `buffer` (columns() values) filled with them.
    virtual const double* row(Index i, double* buffer) const = 0;
};

// A matrix stored by rows, viewed; the stride counts elements.
template <class Scalar>
std::unique_ptr<Cost> make_dense_cost(const Scalar* data, Index rows, Index columns, Index stride);

// The given rows and columns of another cost, which must outlive it.
std::unique_ptr<Cost> make_selected_cost(const Cost& cost, std::vector<Index> rows,
                                         std::vector<Index> columns);

}  // namespace cycloid::ot
