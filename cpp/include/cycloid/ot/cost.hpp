// Costs of moving mass, one row of the matrix at a time.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "cycloid/core/parallel.hpp"

namespace cycloid::ot {

struct Range {
    Index begin, end;
};

// Of a row of the plan at the potentials reg (v + log b), all but the share `lost`.
struct Extent {
    std::span<const double> v, b;
    double reg, lost;
};

class Cost {
public:
    virtual ~Cost() = default;
    virtual Index rows() const = 0;
    virtual Index columns() const = 0;
    // The costs of row i: the matrix itself, or `buffer` (columns() values) filled with them.
    virtual const double* row(Index i, double* buffer) const = 0;

    // Whether neighbours are alike, so that what holds for a few rows or columns in sequence can be
    // found for all of them at once; what follows is for such costs.
    virtual bool ordered() const { return false; }
    // Row i at some columns, one range after the other in `buffer`.
    virtual void row(Index i, std::span<const Range> ranges, double* buffer) const;
    // The columns, in ascending order, that the rows [begin, end) need for that extent.
    virtual std::vector<Range> reach(Index begin, Index end, const Extent& extent) const;
    // Cells of so many rows or columns in sequence, each in one point of the cell; null unless
    // ordered.
    virtual std::unique_ptr<Cost> merged(std::span<const double> a, Index row_cell,
                                         std::span<const double> b, Index column_cell) const;
};

// A matrix stored by rows, viewed; the stride counts elements.
template <class Scalar>
std::unique_ptr<Cost> make_dense_cost(const Scalar* data, Index rows, Index columns, Index stride);

// The given rows and columns of another cost, which must outlive it.
std::unique_ptr<Cost> make_selected_cost(const Cost& cost, std::vector<Index> rows,
                                         std::vector<Index> columns);

}  // namespace cycloid::ot
