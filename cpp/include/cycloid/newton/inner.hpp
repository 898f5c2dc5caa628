// The solvers of Newton systems that know no more of a problem than its two maps.
#pragma once

#include "cycloid/newton/linear_solver.hpp"

namespace cycloid::newton {

enum class Inner {
    Auto,      // Ldlt, but Minres where the entries would take many products
    Ldlt,      // direct: dense Bunch-Kaufman, or sparse with regularization and refinement
    Minres,    // needs products only
    Gaussian,  // single-vector sketch-and-project, as in the paper
    Kaczmarz,  // the same with unit vectors: one equation a step
};

struct InnerOptions {
    Index max_inner = 100000;  // iterations of one solve, for iterative solvers
    std::uint64_t seed = 0;
};

std::unique_ptr<LinearSolver> make_dense_ldlt();
std::unique_ptr<LinearSolver> make_sparse_ldlt();
std::unique_ptr<LinearSolver> make_minres(const InnerOptions& options);
std::unique_ptr<LinearSolver> make_gaussian(const InnerOptions& options);
std::unique_ptr<LinearSolver> make_kaczmarz(const InnerOptions& options);

// The named solver, or the choice for such a system.
std::unique_ptr<LinearSolver> make_solver(Inner inner, const System& system,
                                          const InnerOptions& options);

}  // namespace cycloid::newton
