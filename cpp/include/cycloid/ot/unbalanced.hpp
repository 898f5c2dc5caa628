// Entropic transport between measures whose masses need not agree.
#pragma once

#include "cycloid/ot/solve.hpp"

namespace cycloid::ot {

// min_P  <M, P> + reg KL(P | a b') + rho_a KL(P 1 | a) + rho_b KL(P' 1 | b)
struct UnbalancedProblem {
    const Cost& cost;
    const double *a, *b;
    double reg, rho_a, rho_b;
};

struct UnbalancedOptions {
    double tol = 1e-15;  // on the gap
    Index max_iter = 10000;
    const double* g = nullptr;  // start; null: zero
    int n_threads = 1;
};

// P_ij = a_i b_j exp((f_i + g_j - M_ij) / reg)
struct Unbalanced {
    std::vector<double> f, g;
    double dual = -std::numeric_limits<double>::infinity();
    double gap = std::numeric_limits<double>::infinity();
    double mass = std::numeric_limits<double>::quiet_NaN();
    Status status = Status::MaxIter;
    Trace trace{{"iteration", "seconds", "gap"}};
};

Unbalanced solve_unbalanced(const UnbalancedProblem& problem, const UnbalancedOptions& options,
                            Monitor& monitor);

}  // namespace cycloid::ot
