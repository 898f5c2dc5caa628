// Projections onto the cones K_b = { v : (2 D_b - I) X v >= 0 } of a program, all blocks at once.
//
// With them the cones need no constraint of their own anywhere: the proximal step of alpha |v| on
// K is that of alpha |v| after the projection, and the support function of { v in K : |v| <= 1 } at
// p is the norm of the projection of p, which makes dual certificates exact.
//
// Each projection is the non-negative least-squares problem min |x + A'mu|, mu >= 0, by an active
// set (Lawson & Hanson, Solving Least Squares Problems, chapter 23) whose QR factors live on: a
// sequence of similar points costs little more than one product with X each.
#pragma once

#include <vector>

#include "cycloid/relu/program.hpp"

namespace cycloid::relu {

class Cones {
public:
    Cones(const Program& program, const Context& context);
    ~Cones();
    Cones(const Cones&) = delete;
    Cones& operator=(const Cones&) = delete;

    // x_b <- the projection of x_b. A column whose projection has at most the norm `enough` may
    // become another x_b + A_b'mu, mu >= 0, of at most that norm. False if interrupted. Gated
    // programs have no cones: nothing is changed.
    bool project(Matrix& x, double enough);

    // mu (n x B) of the last call: x_b + A_b'mu_b is what it gave.
    Matrix multipliers() const;

private:
    class Face;

    bool tighten(Index b, const double* product, double size, double enough);

    const Program& program_;
    Context context_;
    Matrix rows_;  // X', unit columns: constraints are directions
    Vector norms_;
    std::vector<Face> faces_;
};

}  // namespace cycloid::relu
