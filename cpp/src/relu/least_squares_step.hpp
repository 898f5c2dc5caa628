// The ADMM's step in (V, c): minimise over both
//     loss / 2 |F V + 1 c' - T|^2 + block / 2 |V|^2 + cone / 2 |X V|^2 - <R, V>.
#pragma once

#include <memory>

#include "cycloid/relu/admm.hpp"
#include "sample_system.hpp"

namespace cycloid::relu {

class LeastSquaresStep {
public:
    LeastSquaresStep(const Program& program, const Context& context);

    // False if interrupted.
    bool factor(const Penalties& penalties);
    // V, its products X V, and c.
    void solve(const Matrix& right, const Matrix& target, Matrix& v, Matrix& products,
               RowVector& c);

private:
    const Program& program_;
    MergedBlocks merged_;
    Program merged_program_;
    Context context_;
    Vector eigenvalues_;  // of X'X
    Matrix eigenvectors_;
    Matrix inverse_;  // K^-1
    std::unique_ptr<SampleSystem> system_;
    Matrix a_, image_, correction_, correction_products_;
};

}  // namespace cycloid::relu
