// The least-squares problem of the ADMM's step in (V, c), seen from the samples. Eliminating V from
//
//     minimise  loss / 2 |F V + 1 c' - T|^2 + <V, K V> / 2 - <R, V>,   K = block I + cone X'X
//
// leaves, for A = loss (F V + 1 c' - T),
//
//     (I / loss + F (I (x) K^-1) F') A = F K^-1 R - T + 1 c',   1' A = 0 with an intercept,
//
// and V = K^-1 (R - F'A). Here F (I (x) K^-1) F' has, for one output, the entries
// (X K^-1 X') o (D D'): neither F nor the pairs of blocks are ever formed.
#pragma once

#include <memory>

#include "merged_blocks.hpp"

namespace cycloid::relu {

class SampleSystem {
public:
    virtual ~SampleSystem() = default;

    // `root` R with R R' = K^-1. False if interrupted.
    virtual bool factor(const Matrix& root, double loss_penalty) = 0;
    // A holds a guess on entry. c is only set if there is an intercept.
    virtual void solve(const Matrix& right, Matrix& a, RowVector& c) = 0;
};

// By the cheapest means: a factor of the samples' matrix, a factor of the parameters' matrix, or
// conjugate gradients where both are too large. `merged` is the program with merged blocks.
std::unique_ptr<SampleSystem> make_sample_system(const Program& merged, bool separate,
                                                 const Context& context);

}  // namespace cycloid::relu
