// Entropic optimal transport: what goes in and what comes out.
#pragma once

#include <vector>

#include "cycloid/core/trace.hpp"
#include "cycloid/ot/cost.hpp"

namespace cycloid::ot {

// min_P  sum_ij P_ij M_ij + reg sum_ij P_ij (log P_ij - 1),   P 1 = a, P' 1 = b, P >= 0
//
// a and b have one total, not necessarily one, and may hold zeros. The solution is
// P_ij = exp((f_i + g_j - M_ij) / reg).
struct Problem {
    const Cost& cost;
    const double *a, *b;
    double reg;
};

enum class Method { Auto, Sinkhorn, Sns };

struct Options {
    Method method = Method::Auto;
    double tol = 1e-9;          // on the violation
    Index max_iter = 10000;     // scaling sweeps and Newton steps
    const double* g = nullptr;  // start; null: zero. The best f for it is as good as any.
    Index n_sinkhorn = 20, n_newton = 100;  // Method::Sns alone, as the next
    double density = 0;                     // share of the plan's entries that Newton keeps
    double most_entries = 1 << 20;          // of a plan that is kept whole although it need not be
    int n_threads = 1;
};

struct Transport {
    std::vector<double> f, g;  // minus infinity where there is no mass
    // At the plan of these potentials: the objective, its first term, the dual objective
    // f'a + g'b - reg sum_ij P_ij, how far the objective can be from its minimum after rounding to
    // the marginals, and the L1 distance of both marginals as a share of the total.
    double value = 0, transport_cost = 0, dual = 0, gap = 0, violation = 0;
    Status status = Status::Converged;
    Index n_iter = 0, n_passes = 0;
    Trace trace{{"iteration", "seconds", "reg", "violation", "value", "n_kept", "n_newton", "n_cg",
                 "n_passes"}};
};

Transport solve(const Problem& problem, const Options& options, Monitor& monitor);

}  // namespace cycloid::ot
