// The linear system of solve_robust: V and c that come closest to given values of everything they
// determine.
#pragma once

#include "cycloid/relu/robust.hpp"

namespace cycloid::relu {

// What V and c determine: predictions, each group's b, cone values (2 D - I) X V, and V itself.
struct Split {
    Vector z;  // n
    Matrix b;  // d x groups
    Matrix s;  // n x B
    Matrix w;  // d x B
};

// How much a squared distance of each counts.
struct SplitWeights {
    double z, b, s, w;
};

// c <- a * b, by threads.
void product(const MatrixView& a, const MatrixView& b, const Context& context, Matrix& out);

// With K (V, c) the split of V and c, and the thin decomposition X = U S W', the minimiser of the
// weighted |K (V, c) - target|^2 has the normal equations
//
//     w_w V + w_s X'X V + w_b V R'R + w_z F'(F V + 1 c - z) = r,     R the groups' rows,
//
// which the eigenvectors of R'R separate but for F'F: there, per eigenvalue l, the matrix is
// (w_w + w_b l) I + w_s X'X, diagonal in W. F has rank n, and F (...)^-1 F' is a sum over the l of
// Hadamard products: one n x n Cholesky factor serves all iterations, whatever the penalty.
// (b is taken of all columns, of a bias too: so that R'R commutes with X'X. Nobody pulls at the
// bias's b, so it is only a proximal term.)
class RobustSystem {
public:
    RobustSystem(const RobustProgram& robust, const SplitWeights& weights, const Context& context);

    // The split of the minimiser, and its c.
    void solve(const Split& target, const Context& context, Split& out, double& c);

private:
    void decompose(const Context& context);
    void factor(const Context& context);

    const RobustProgram& robust_;
    SplitWeights weights_;
    Matrix left_, right_;  // U (n x r), W (d x r)
    Vector singular_;      // r
    Matrix rotation_;      // B x B: eigenvectors of R'R, those that matter first
    Vector shift_;         // B: w_w + w_b l
    Index live_ = 0;       // eigenvectors with l > 0
    Matrix signs_;         // n x live: rows of R, rotated, of each sample
    Matrix factor_;        // n x n
    Vector ones_;          // the inverse of that times 1
    Matrix rotated_, hat_, cones_, rows_, pull_;
};

}  // namespace cycloid::relu
