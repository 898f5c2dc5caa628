#include "row_copies.hpp"

#include <stdexcept>

namespace cycloid::relu {

void check_published(const Program& program) {
    if (program.blocks.direction.rows() != 1) {
        throw std::invalid_argument("the published methods are for one output");
    }
    if (program.intercept || program.gated) {
        throw std::invalid_argument(
            "the published methods have no intercept of the outputs and no gated networks");
    }
}

RowCopies::RowCopies(const Program& program, const Context& context)
    : program_(program), context_(context), cones_(program, context) {
    v_ = Matrix::Zero(program.x.cols(), program.blocks.count());
    block_price_ = v_;
    s_ = Matrix::Zero(program.x.rows(), program.blocks.count());
    row_price_ = s_;
    row_target_ = s_;
}

void RowCopies::update(const Matrix& u, const Matrix& products, double penalty, double dual_step) {
    const double threshold = program_.alpha / penalty;
    v_ = u + block_price_;
    for (Index b = 0; b < v_.cols(); ++b) {
        const double norm = v_.col(b).norm();
        v_.col(b) *= norm > threshold ? 1 - threshold / norm : 0;
    }
    signed_rows(program_, products, context_, image_);
    s_ = (image_ + row_price_).cwiseMax(0.0);
    block_price_ += dual_step * (u - v_);
    row_price_ += dual_step * (image_ - s_);
    signed_rows(program_, s_ - row_price_, context_, row_target_);
}

bool RowCopies::offer(Incumbent& incumbent, const Matrix& a) {
    Matrix feasible = v_;
    if (!cones_.project(feasible, 0)) return false;
    incumbent.offer_primal(std::move(feasible));
    incumbent.offer_dual(a);
    return true;
}

}  // namespace cycloid::relu
