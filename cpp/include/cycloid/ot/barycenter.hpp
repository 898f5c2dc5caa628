// Entropic barycenters on a fixed support.
#pragma once

#include "cycloid/ot/batch.hpp"

namespace cycloid::ot {

// min_b  sum_k w_k min_{P_k}  sum_ij P_kij M_ij + reg sum_ij P_kij (log P_kij - 1)
//
// over b >= 0 and plans with P_k 1 = a_k, P_k' 1 = b. All a_k have one total, the weights are
// positive and of sum one.
struct BarycenterProblem {
    const Cost& cost;
    Rows a;
    std::vector<double> weights;
    double reg;
};

struct BarycenterOptions {
    double tol = 1e-9;      // on the violation
    Index max_iter = 1000;  // scaling sweeps and Newton steps
    Rows g;                 // start; null: zero
    int n_threads = 1;
};

struct Barycenter {
    std::vector<double> b;
    std::vector<std::vector<double>> f, g;  // of each plan; sum_k w_k g_k = 0
    // At the plans of these potentials, the weighted sums of what `Transport` says of one.
    double value = 0, transport_cost = 0, dual = 0, gap = 0, violation = 0;
    Status status = Status::Converged;
    Index n_iter = 0, n_passes = 0;
    Trace trace{{"iteration", "seconds", "reg", "violation", "value", "n_kept", "n_newton", "n_cg",
                 "n_passes"}};
};

Barycenter solve_barycenter(const BarycenterProblem& problem, const BarycenterOptions& options,
                            Monitor& monitor);

}  // namespace cycloid::ot
