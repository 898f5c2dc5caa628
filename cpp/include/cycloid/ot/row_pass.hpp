// One pass over the cost matrix, in the log domain.
#pragma once

#include <limits>
#include <vector>

#include "cycloid/ot/cost.hpp"
#include "cycloid/ot/kernel.hpp"

namespace cycloid::ot {

// Both of sum one, all entries positive.
struct Masses {
    std::vector<double> a, b;
};

// A plan P_ij = exp((f_i + g_j - M_ij) / reg) whose rows sum to a, for f is the best for its g.
struct Point {
    std::vector<double> f, g, column_sums;
    double error = std::numeric_limits<double>::infinity();  // sum_j |column_sums_j - b_j|
    double dual = -std::numeric_limits<double>::infinity();  // f'a + g'b - reg
    double kept = 0;                                         // entries P_ij > least
};

// From point.g to everything else. Stores the plan in the kernel unless its storage is None.
void row_pass(const Cost& cost, const Masses& masses, double reg, double least, Storage storage,
              Kernel& kernel, Point& point, const Context& context);

// Row i of a plan for any potentials, plan_j = exp((f_i + g_j - cost_j) / reg); returns its sum.
double plan_row(const double* cost, double f, const double* g, Index m, double inverse_reg,
                double* plan);

}  // namespace cycloid::ot
