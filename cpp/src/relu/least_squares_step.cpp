#include "least_squares_step.hpp"

#include <Eigen/Eigenvalues>

namespace cycloid::relu {

LeastSquaresStep::LeastSquaresStep(const Program& program, const Context& context)
    : program_(program),
      merged_(program.blocks),
      merged_program_{program.x,     program.loss,      program.patterns, merged_.blocks,
                      program.alpha, program.intercept, program.gated},
      context_(context) {
    const Index d = program.x.cols();
    Matrix gram = Matrix::Zero(d, d);
    gram.selfadjointView<Eigen::Lower>().rankUpdate(program.x.transpose());
    const Eigen::SelfAdjointEigenSolver<Matrix> eigen(gram);
    eigenvalues_ = eigen.eigenvalues().cwiseMax(0.0);
    eigenvectors_ = eigen.eigenvectors();
    system_ = make_sample_system(merged_program_, merged_.separate, context_);
}

bool LeastSquaresStep::factor(const Penalties& penalties) {
    const Vector spectrum = penalties.block + penalties.cone * eigenvalues_.array();
    const Matrix root = eigenvectors_ * spectrum.cwiseSqrt().cwiseInverse().asDiagonal();
    inverse_ = root * root.transpose();
    return system_->factor(root, penalties.loss);
}

void LeastSquaresStep::solve(const Matrix& right, const Matrix& target, Matrix& v,
                             Matrix& products, RowVector& c) {
    v.noalias() = inverse_ * right;
    multiply(program_, v, context_, products);
    predictions(program_, products, RowVector::Zero(target.cols()), context_, image_);
    image_ -= target;
    system_->solve(image_, a_, c);
    adjoint(merged_program_, a_, context_, correction_);
    correction_ = (inverse_ * correction_).eval();
    multiply(merged_program_, correction_, context_, correction_products_);
    parallel_for(context_.team(double(products.size())), v.cols(), [&](Index b) {
        const double scale = merged_.scale[b];
        v.col(b) -= scale * correction_.col(merged_.into[b]);
        products.col(b) -= scale * correction_products_.col(merged_.into[b]);
    });
}

}  // namespace cycloid::relu
