#include "robust_system.hpp"

#include <Eigen/Eigenvalues>
#include <algorithm>

#include "cycloid/core/cholesky.hpp"
#include "cycloid/core/parallel.hpp"

namespace cycloid::relu {

void product(const MatrixView& a, const MatrixView& b, const Context& context, Matrix& out) {
    constexpr Index grain = 16;
    out.resize(a.rows(), b.cols());
    const double work = double(a.size()) * double(b.cols());
    const int team = context.team(work);
    if (team == 1) {
        out.noalias() = a * b;
        return;
    }
    parallel_blocks(team, b.cols(), grain, [&](Index begin, Index end) {
        out.middleCols(begin, end - begin).noalias() = a * b.middleCols(begin, end - begin);
    });
}

namespace {

void product_transposed(const Matrix& a, const MatrixView& b, const Context& context, Matrix& out) {
    constexpr Index grain = 16;
    out.resize(a.cols(), b.cols());
    const double work = double(a.size()) * double(b.cols());
    parallel_blocks(context.team(work), b.cols(), grain, [&](Index begin, Index end) {
        out.middleCols(begin, end - begin).noalias() =
            a.transpose() * b.middleCols(begin, end - begin);
    });
}

// M M' of a matrix, both triangles.
Matrix gram(const MatrixView& m, const Context& context) {
    constexpr Index grain = 128;
    Matrix out(m.rows(), m.rows());
    const double work = double(m.size()) * double(m.rows());
    parallel_blocks(context.team(work), m.rows(), grain, [&](Index begin, Index end) {
        out.block(begin, begin, m.rows() - begin, end - begin).noalias() =
            m.bottomRows(m.rows() - begin) * m.middleRows(begin, end - begin).transpose();
    });
    out.triangularView<Eigen::StrictlyUpper>() = out.transpose();
    return out;
}

}  // namespace

RobustSystem::RobustSystem(const RobustProgram& robust, const SplitWeights& weights,
                           const Context& context)
    : robust_(robust), weights_(weights) {
    decompose(context);
    const Eigen::SelfAdjointEigenSolver<Matrix> eigen(robust.rows.transpose() * robust.rows);
    rotation_ = eigen.eigenvectors().rowwise().reverse();
    const Vector values = eigen.eigenvalues().reverse().cwiseMax(0.0);
    shift_ = Vector::Constant(values.size(), weights.w) + weights.b * values;
    const double least = values.size() > 0 ? 1e-12 * values[0] : 0.0;
    while (live_ < values.size() && values[live_] > least) ++live_;
    const Matrix rotated = robust.rows * rotation_.leftCols(live_);
    signs_.resize(robust.program.x.rows(), live_);
    for (Index k = 0; k < signs_.rows(); ++k) signs_.row(k) = rotated.row(robust.group_of[k]);
    factor(context);
}

void RobustSystem::decompose(const Context& context) {
    const MatrixView& x = robust_.program.x;
    const bool tall = x.rows() >= x.cols();
    const Matrix square = tall ? gram(x.transpose(), context) : gram(x, context);
    const Eigen::SelfAdjointEigenSolver<Matrix> eigen(square);
    const Vector values = eigen.eigenvalues().reverse().cwiseMax(0.0);
    Index rank = 0;
    while (rank < values.size() && values[rank] > 1e-14 * values[0]) ++rank;
    singular_ = values.head(rank).cwiseSqrt();
    const Matrix vectors = eigen.eigenvectors().rowwise().reverse().leftCols(rank);
    if (tall) {
        right_ = vectors;
        product(x, right_, context, left_);
        left_ *= singular_.cwiseInverse().asDiagonal();
    } else {
        left_ = vectors;
        product(x.transpose(), left_, context, right_);
        right_ *= singular_.cwiseInverse().asDiagonal();
    }
}

// I / w_z + F (...)^-1 F'
void RobustSystem::factor(const Context& context) {
    const Index n = left_.rows();
    factor_ = Matrix::Zero(n, n);
    Matrix kernel = factor_;
    Matrix scaled;
    constexpr Index grain = 128;
    for (Index j = 0; j < live_ && !context.stop(); ++j) {
        // Equal eigenvalues share a product.
        if (j == 0 || std::abs(shift_[j] - shift_[j - 1]) > 1e-12 * shift_[j]) {
            const Vector share =
                (singular_.array().square() / (shift_[j] + weights_.s * singular_.array().square()))
                    .sqrt();
            scaled = left_ * share.asDiagonal();
            kernel = gram(scaled, context);
        }
        parallel_blocks(context.team(double(n) * double(n)), n, grain, [&](Index begin, Index end) {
            for (Index k = begin; k < end; ++k) {
                factor_.col(k).array() +=
                    signs_(k, j) * kernel.col(k).array() * signs_.col(j).array();
            }
        });
    }
    factor_.diagonal().array() += 1 / weights_.z;
    cholesky(factor_, 1e-15, context);
    ones_ = Vector::Ones(n);
    cholesky_solve(factor_, ones_);
}

void RobustSystem::solve(const Split& target, const Context& context, Split& out, double& c) {
    const Program& program = robust_.program;
    const Index count = rotation_.cols(), rank = singular_.size();
    // r = r_1 + X' R_2 in rotated columns; `hat` is W' times it.
    Matrix near = weights_.w * target.w, own, cone;
    near.noalias() += weights_.b * (target.b * robust_.rows);
    product(near, rotation_, context, own);
    signed_rows(program, target.s, context, cone);
    product(cone, rotation_, context, rotated_);
    product_transposed(left_, rotated_, context, cones_);
    cones_ = weights_.s * (singular_.asDiagonal() * cones_);
    product_transposed(right_, own, context, hat_);

    const auto inverse = [&](Index j) {
        return (shift_[j] + weights_.s * singular_.array().square()).inverse();
    };
    Matrix first(rank, live_);
    for (Index j = 0; j < live_; ++j) {
        first.col(j) = singular_.array() * inverse(j) * (hat_.col(j) + cones_.col(j)).array();
    }
    product(left_, first, context, rows_);
    Vector eta = rows_.cwiseProduct(signs_).rowwise().sum() - target.z;
    cholesky_solve(factor_, eta);
    c = program.intercept ? -eta.sum() / ones_.sum() : 0.0;
    eta += c * ones_;

    rows_ = eta.asDiagonal() * signs_;
    product_transposed(left_, rows_, context, pull_);
    cones_.leftCols(live_) -= singular_.asDiagonal() * pull_;
    Matrix correction(rank, count), values(rank, count);
    const Eigen::ArrayXd squares = weights_.s * singular_.array().square();
    for (Index j = 0; j < count; ++j) {
        const Eigen::ArrayXd all = inverse(j);
        values.col(j) = singular_.array() * all * (hat_.col(j) + cones_.col(j)).array();
        correction.col(j) =
            (shift_[j] * cones_.col(j).array() - squares * hat_.col(j).array()) * all / shift_[j];
    }
    Matrix v, products;
    product(right_, correction, context, v);
    v += own * shift_.cwiseInverse().asDiagonal();
    product(v, rotation_.transpose(), context, out.w);
    product(left_, values, context, products);
    Matrix unrotated, z;
    product(products, rotation_.transpose(), context, unrotated);
    predictions(program, unrotated, RowVector::Constant(1, c), context, z);
    out.z = z.col(0);
    signed_rows(program, unrotated, context, out.s);
    product(out.w, robust_.rows.transpose(), context, out.b);
}

}  // namespace cycloid::relu
