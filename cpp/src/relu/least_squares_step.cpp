#include "least_squares_step.hpp"

namespace cycloid::relu {

LeastSquaresStep::LeastSquaresStep(const Program& program, const Context& context)
    : merged_(program.blocks),
      merged_program_{program.x,     program.loss,      program.patterns, merged_.blocks,
                      program.alpha, program.intercept, program.gated},
      context_(context),
      system_(make_sample_system(cheapest_system(merged_program_, merged_.separate),
                                 merged_program_, merged_.separate, context_)) {}

void LeastSquaresStep::solve(const Matrix& target, Matrix& v, RowVector& c, Matrix& fit) {
    merged_v_ = Matrix::Zero(v.rows(), merged_.blocks.count());
    for (Index b = 0; b < v.cols(); ++b) {
        merged_v_.col(merged_.into[b]) += merged_.scale[b] * v.col(b);
    }
    features(merged_program_, merged_v_, context_, right_);
    right_ -= target;
    system_->solve(right_, b_, c, fit);
    adjoint(merged_program_, b_, context_, merged_v_);
    for (Index b = 0; b < v.cols(); ++b) {
        v.col(b) -= merged_.scale[b] * merged_v_.col(merged_.into[b]);
    }
}

}  // namespace cycloid::relu
