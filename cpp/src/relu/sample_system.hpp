// The least-squares problem of the ADMM's step in (V, c), seen from the samples. With V = Y - F'B,
//
//     minimise  |F V + 1 c' - T|^2 + ridge |V - Y|^2
//
// is
//
//     (ridge I + F F') B = F Y - T + 1 c',   1' B = 0 with an intercept,   F V + 1 c' = T + ridge
//     B.
//
// For one output F F' has the entries (X X') o (D D'): neither F nor the pairs of blocks are ever
// formed.
#pragma once

#include <memory>

#include "merged_blocks.hpp"

namespace cycloid::relu {

class SampleSystem {
public:
    virtual ~SampleSystem() = default;

    // False if interrupted.
    virtual bool factor(double ridge) = 0;
    // `right`: F Y - T. B holds a guess on entry, `fit` is F V + 1 c' - T, c is zero without an
    // intercept.
    virtual void solve(const Matrix& right, Matrix& b, RowVector& c, Matrix& fit) = 0;
};

// A factor of the samples' matrix, a factor of the parameters' matrix ridge I + F'F, or conjugate
// gradients where both are too large.
enum class SystemKind { Samples, Parameters, Iterative };

SystemKind cheapest_system(const Program& merged, bool separate);

// `merged` is the program with merged blocks, `separate` theirs.
std::unique_ptr<SampleSystem> make_sample_system(SystemKind kind, const Program& merged,
                                                 bool separate, const Context& context);

}  // namespace cycloid::relu
