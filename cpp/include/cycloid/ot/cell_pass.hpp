// One pass over costs whose neighbours are alike: only what is within reach is computed, and the
// plan is stored for cells of it.
#pragma once

#include "cycloid/ot/cells.hpp"
#include "cycloid/ot/row_pass.hpp"

namespace cycloid::ot {

struct CellOptions {
    const Cells &rows, &columns;
    Storage storage;  // of the plan summed over cells
    double least;     // entries P_ij to count and to keep
    double lost;      // share of a row that may be out of reach
    double error;     // of the marginals that is wanted
};

// Entries of the plan that count, by rows and by columns.
struct Counts {
    std::vector<double> rows, columns;
};

// As `row_pass`, but the kernel holds the plan summed over cells.
void cell_pass(const Cost& cost, const Masses& masses, double reg, const CellOptions& options,
               Kernel& kernel, Point& point, Counts& counts, const Context& context);

// g_j = reg (log b_j - log sum_i exp((f_i - cost_ij) / reg)), a row at a time.
std::vector<double> column_potentials(const Cost& cost, View b, View f, double reg,
                                      const Context& context);

}  // namespace cycloid::ot
