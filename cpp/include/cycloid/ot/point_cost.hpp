// Costs between points, computed when they are asked for.
#pragma once

#include "cycloid/ot/cost.hpp"

namespace cycloid::ot {

enum class Metric { SquaredEuclidean, Euclidean, CityBlock, Cosine };

// Points stored by rows, copied. Neighbours in sequence should be neighbours in space; for the
// cosine no point may be zero.
std::unique_ptr<Cost> make_point_cost(Metric metric, const double* x, Index n, const double* y,
                                      Index m, Index dimension);

// The points in a sequence in which every aligned group of 2^k of them is a cell of a k-d tree.
std::vector<Index> order_points(const double* x, Index n, Index dimension);

}  // namespace cycloid::ot
