// What the problems over a matrix A share: sizes of its columns, and all their indices.
#pragma once

#include <vector>

#include "cycloid/bcd/block_problem.hpp"

namespace cycloid::bcd {

std::vector<Index> all_columns(const Operator& a);

// |a_j|^2 of each column; std::invalid_argument if A holds a value that is not finite.
Vector squared_norms(const Operator& a, const Context& context);

// |A|'|A| 1: at least sum_k |a_j'a_k|, for the cost of two passes.
Vector absolute_row_sums(const Operator& a, const Context& context);

}  // namespace cycloid::bcd
