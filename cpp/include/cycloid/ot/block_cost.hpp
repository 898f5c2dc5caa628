// Costs that somebody else computes, many rows at a time.
#pragma once

#include "cycloid/ot/cost.hpp"

namespace cycloid::ot {

class RowSource {
public:
    virtual ~RowSource() = default;
    // All columns of the rows `which`, one row after the other; may throw.
    virtual void rows(std::span<const Index> which, double* out) const = 0;
};

// Views the source. Rows asked for in sequence are computed a block at a time, and kept altogether
// if they are few. Not for several threads.
std::unique_ptr<Cost> make_block_cost(const RowSource& source, Index rows, Index columns);

}  // namespace cycloid::ot
