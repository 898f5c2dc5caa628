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
    // The same with blocks of random vectors, and momentum.
    BlockGaussian,
    BlockSparseSign,
    BlockCountSketch,
    BlockSrht,
};

struct InnerOptions {
    Index max_inner = 100000;  // iterations of one solve, for iterative solvers
    std::uint64_t seed = 0;
    Index block = 0;        // vectors of a block; 0: a quarter of the unknowns, from 8 to 256
    double momentum = 0.3;  // of the block solvers: the share of the last step that is added
};

std::unique_ptr<LinearSolver> make_dense_ldlt();
std::unique_ptr<LinearSolver> make_sparse_ldlt();
std::unique_ptr<LinearSolver> make_minres(const InnerOptions& options);
std::unique_ptr<LinearSolver> make_gaussian(const InnerOptions& options);
std::unique_ptr<LinearSolver> make_kaczmarz(const InnerOptions& options);
std::unique_ptr<LinearSolver> make_block_project(Inner sketch, const InnerOptions& options);

// The named solver, or the choice for such a system.
std::unique_ptr<LinearSolver> make_solver(Inner inner, const System& system,
                                          const InnerOptions& options);

}  // namespace cycloid::newton
