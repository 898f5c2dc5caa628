// Soft minima of the rows or of the columns of a cost matrix: what one update in the log domain is.
#pragma once

#include "cycloid/core/trace.hpp"
#include "cycloid/ot/cost.hpp"
#include "cycloid/ot/kernel.hpp"

namespace cycloid::ot {

// out_i = -reg log sum_j exp((g_j - cost_ij) / reg + log_b_j)
void soft_min_rows(const Cost& cost, View g, View log_b, double reg, std::span<double> out,
                   const Context& context);
// out_j = -reg log sum_i exp((f_i - cost_ij) / reg + log_a_i)
void soft_min_columns(const Cost& cost, View f, View log_a, double reg, std::span<double> out,
                      const Context& context);

}  // namespace cycloid::ot
