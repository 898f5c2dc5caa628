// Solvers of the Lagrangian Newton system
//
//     [ H + shift I        G'        ] [ dx ]
//     [      G      -relaxation I    ] [ dy ]  =  b
//
// with H symmetric n x n and G m x n.
#pragma once

#include <cstdint>

#include "cycloid/core/trace.hpp"
#include "cycloid/newton/linear_map.hpp"

namespace cycloid::newton {

struct System {
    Map hessian, jacobian;
    double shift = 0, relaxation = 0;

    Index n() const { return hessian->rows(); }
    Index m() const { return jacobian->rows(); }
    Vector times(const Vector& z) const;
    bool has_entries() const;  // of both maps
};

// All of the matrix; where a map has no entries, by products with unit vectors.
Matrix dense_matrix(const System& system);
// Its lower triangle, sorted, with every diagonal entry present. Both maps must have entries.
SparseMatrix sparse_lower(const System& system);

// What a preparation finds out about the system. Correct: n positive and m negative eigenvalues,
// so that H + shift I is positive definite where G (and the relaxation) leaves freedom.
enum class Inertia { Correct, Wrong, Singular, Unknown };

class LinearSolver {
public:
    virtual ~LinearSolver() = default;
    LinearSolver() = default;
    LinearSolver(const LinearSolver&) = delete;
    LinearSolver& operator=(const LinearSolver&) = delete;

    // Before the first solve and after every change of the system. The system is kept by copy.
    virtual Inertia prepare(const System& system, const Context& context) = 0;
    // Continues from z until ||A z - b|| <= tolerance ||b||, or until no progress is seen or the
    // context asks to stop: the relative residual that was reached. z may be of any quality.
    virtual double solve(const Vector& b, double tolerance, Vector& z, const Context& context) = 0;
    // Inner iterations so far; 0 for a direct solver.
    virtual Index iterations() const { return 0; }
};

}  // namespace cycloid::newton
