// The ADMM's step in (V, c): minimise |F V + 1 c' - T|^2 + ridge |V - Y|^2 over both.
#pragma once

#include <memory>

#include "sample_system.hpp"

namespace cycloid::relu {

class LeastSquaresStep {
public:
    LeastSquaresStep(const Program& program, const Context& context);

    // False if interrupted.
    bool factor(double ridge) { return system_->factor(ridge); }
    // V in place of Y; `fit` is F V + 1 c' - T.
    void solve(const Matrix& target, Matrix& v, RowVector& c, Matrix& fit);
    const Matrix& b() const { return b_; }

private:
    MergedBlocks merged_;
    Program merged_program_;
    Context context_;
    std::unique_ptr<SampleSystem> system_;
    Matrix b_, merged_v_, right_;
};

}  // namespace cycloid::relu
