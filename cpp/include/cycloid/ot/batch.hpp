// Several problems that share one cost matrix and one reg.
#pragma once

#include <vector>

#include "cycloid/ot/solve.hpp"

namespace cycloid::ot {

// Histograms one after the other; a stride of zero repeats the first.
struct Rows {
    const double* data = nullptr;
    Index stride = 0;

    const double* operator[](Index k) const { return data ? data + k * stride : nullptr; }
};

struct Batch {
    const Cost& cost;
    Rows a, b, g;  // g: where each problem starts, may be null
    Index count;
    double reg;
};

struct BatchResult {
    std::vector<Transport> problems;  // f and g are empty where the batch ended before the problem
    // One row a problem that has ended, in the order in which they did.
    Trace trace{{"n_done", "seconds", "problem", "violation", "n_iter", "n_passes", "n_failed"}};
};

// The threads share out the problems, or each problem's rows if there are fewer of these than
// threads; the result is the same. The monitor hears of each problem that has ended.
BatchResult solve_batch(const Batch& batch, const Options& options, Monitor& monitor);

}  // namespace cycloid::ot
