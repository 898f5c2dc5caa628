// Neighbours in sequence that are treated as one, as many as lie within what the plan blurs.
#pragma once

#include <vector>

#include "cycloid/ot/kernel.hpp"

namespace cycloid::ot {

class Cells {
public:
    static constexpr Index largest = 64;  // every multiple of it begins a cell

    Cells() = default;
    // All of the same size, a power of two.
    Cells(Index points, Index size);
    // The largest of which no point has fewer entries of the plan, times `share`, than the cell has
    // points.
    Cells(View entries, double share);

    Index count() const { return std::ssize(starts_) - 1; }
    Index begin(Index cell) const { return starts_[cell]; }
    Index end(Index cell) const { return starts_[cell + 1]; }
    Index of(Index point) const { return cell_of_[point]; }
    bool trivial() const { return starts_.size() == cell_of_.size() + 1; }

    std::vector<double> sums(View values) const;
    // The plan's entries between these cells and others like them.
    double links(View entries) const;

private:
    void close(Index end);

    std::vector<Index> starts_{0}, cell_of_;
};

}  // namespace cycloid::ot
