// A smooth problem with equality constraints, as the solver sees it.
#pragma once

#include "cycloid/newton/linear_solver.hpp"

namespace cycloid::newton {

// min_x f(x)  subject to  c(x) = 0,  x of length n, c of length m (0: no constraints)
//
// A value that is not finite says that x is outside the domain: the step is shortened. What these
// functions throw passes through the solver unchanged. Calls come from one thread, and for one x
// in the sequence objective, constraints, gradient, jacobian, hessian, as far as they are needed:
// a problem may keep from one what the next can use.
class Problem {
public:
    virtual ~Problem() = default;
    Problem() = default;
    Problem(const Problem&) = delete;
    Problem& operator=(const Problem&) = delete;

    virtual Index n() const = 0;
    virtual Index m() const = 0;
    virtual double objective(const Vector& x) = 0;
    virtual Vector constraints(const Vector& x) = 0;  // length m
    virtual Vector gradient(const Vector& x) = 0;     // of f, length n
    virtual Map jacobian(const Vector& x) = 0;        // of c, m x n
    // Of the Lagrangian f + y'c by x, symmetric, n x n; entries in both triangles.
    virtual Map hessian(const Vector& x, const Vector& y) = 0;

    // The solver of this problem's linear systems that is better than any that knows only the two
    // maps; null if there is none.
    virtual std::unique_ptr<LinearSolver> make_solver() { return nullptr; }
};

}  // namespace cycloid::newton
