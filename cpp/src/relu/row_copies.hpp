// What the published methods share: the copies v of u and s of G u with their scaled multipliers.
#pragma once

#include "incumbent.hpp"

namespace cycloid::relu {

// Throws std::invalid_argument unless there is one output without intercept, and cones.
void check_published(const Program& program);

class RowCopies {
public:
    RowCopies(const Program& program, const Context& context);

    // v, s and the multipliers after a step to u, with products X u.
    void update(const Matrix& u, const Matrix& products, double penalty, double dual_step);
    // What the step in u is drawn to: v - lambda, and E o (s - nu) on the samples' side.
    Matrix block_target() const { return v_ - block_price_; }
    const Matrix& row_target() const { return row_target_; }
    // False if interrupted.
    bool offer(Incumbent& incumbent, const Matrix& a);

private:
    const Program& program_;
    Context context_;
    Cones cones_;
    Matrix v_, block_price_, s_, row_price_, row_target_, image_;
};

}  // namespace cycloid::relu
