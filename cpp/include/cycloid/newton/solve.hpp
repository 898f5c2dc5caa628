// Newton's method for problems with equality constraints: what goes in and what comes out.
#pragma once

#include "cycloid/newton/inner.hpp"
#include "cycloid/newton/merit.hpp"

namespace cycloid::newton {

// How accurate a direction has to be.
enum class Accuracy {
    Forcing,   // a residual of min(0.1, kkt) at first, sharper where the descent test asks for it
    Adaptive,  // the paper's bound, from norms and the least eigenvalue of G G'
};

struct Options {
    Inner inner = Inner::Auto;
    InnerOptions inner_options{};
    Accuracy accuracy = Accuracy::Forcing;
    double tol = 1e-8;  // on the violation
    Index max_iter = 1000;
    Merit penalties{};          // at the start
    double delta = 0.1;         // at the start; Accuracy::Adaptive alone
    const double* y = nullptr;  // first multipliers; null: by least squares
    int n_threads = 1;
};

struct Solution {
    Vector x, y;
    double objective = 0;
    double violation = 0;             // || (grad f + G'y, c) ||
    double constraint_violation = 0;  // largest |c_i|
    Status status = Status::Converged;
    Index n_iter = 0, n_inner = 0;
    Index n_evaluations = 0;  // of the objective
    Trace trace{{"iteration", "seconds", "objective", "violation", "constraint_violation", "step",
                 "shift", "eta1", "eta2", "inner_residual", "n_inner", "phase"}};
};

Solution solve(Problem& problem, Vector x, const Options& options, Monitor& monitor);

}  // namespace cycloid::newton
