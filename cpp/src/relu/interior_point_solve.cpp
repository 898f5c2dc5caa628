// Borders and right-hand sides of the interior-point system.
#include <algorithm>

#include "cycloid/core/cholesky.hpp"
#include "cycloid/core/parallel.hpp"
#include "interior_point_system.hpp"

namespace cycloid::relu {

void KktSystem::forward(const Piece& piece, const Matrix& w, Matrix& y) const {
    Matrix products;
    multiply(program_, w, context_, products);
    y.setZero(n_, std::ssize(piece.outputs));
    for (Index i = 0; i < std::ssize(piece.units); ++i) {
        const Unit& unit = units_[piece.units[i]];
        const double* source = products.col(i).data();
        for (Index j = 0; j < y.cols(); ++j) {
            const double g = unit.direction[j];
            if (g == 0) continue;
            double* target = y.col(j).data();
            for (const Index k : patterns_[unit.pattern].rows) target[k] += g * source[k];
        }
    }
}

void KktSystem::backward(const Piece& piece, const Matrix& y, Matrix& w) const {
    Matrix rows = Matrix::Zero(n_, std::ssize(piece.units));
    for (Index i = 0; i < std::ssize(piece.units); ++i) {
        const Unit& unit = units_[piece.units[i]];
        double* target = rows.col(i).data();
        for (Index j = 0; j < y.cols(); ++j) {
            const double g = unit.direction[j];
            if (g == 0) continue;
            const double* source = y.col(j).data();
            for (const Index k : patterns_[unit.pattern].rows) target[k] += g * source[k];
        }
    }
    multiply_transposed(program_, rows, context_, w);
}

void KktSystem::apply_inverse(const Matrix& rhs, Matrix& out) const {
    out.resize(rhs.rows(), rhs.cols());
    for (const Piece& piece : pieces_) {
        if (!piece.by_weights) {
            Matrix stacked = rhs(Eigen::all, piece.outputs);
            cholesky_solve(piece.matrix, stacked.reshaped());
            out(Eigen::all, piece.outputs) = stacked;
            continue;
        }
        const Index j = piece.outputs.front();
        const Vector stiffness = pair_->compliance().col(j).cwiseInverse();
        Matrix scaled = stiffness.cwiseProduct(rhs.col(j)), w, y;
        backward(piece, scaled, w);
        cholesky_solve(piece.matrix, w.reshaped());
        forward(piece, w, y);
        out.col(j) = scaled - stiffness.cwiseProduct(y.col(0));
    }
}

// theta's matrix: the sum over outputs of the blocks of the inverse.
bool KktSystem::factor_row_sums() {
    row_sums_.setZero(n_, n_);
    for (const Piece& piece : pieces_) {
        const Index outputs = std::ssize(piece.outputs);
        Matrix half = Matrix::Identity(n_, n_).replicate(outputs, 1);
        parallel_blocks(context_.n_threads, n_, 64, [&](Index begin, Index end) {
            auto columns = half.middleCols(begin, end - begin);
            piece.matrix.triangularView<Eigen::Lower>().solveInPlace(columns);
        });
        if (context_.stop()) return false;
        parallel_blocks(context_.n_threads, n_, 96, [&](Index begin, Index end) {
            row_sums_.block(begin, begin, n_ - begin, end - begin).noalias() +=
                half.rightCols(n_ - begin).transpose() * half.middleCols(begin, end - begin);
        });
    }
    return cholesky(row_sums_, 1e-15, context_) >= 0 && row_sums_.diagonal().allFinite();
}

void KktSystem::restore_row_sums(const Vector& sums, Matrix& a) const {
    Vector theta = sums - a.rowwise().sum();
    cholesky_solve(row_sums_, theta);
    Matrix change;
    apply_inverse(theta.replicate(1, a.cols()), change);
    a += change;
}

bool KktSystem::factor_borders() {
    if (pair_->row_sums() && !factor_row_sums()) return false;
    borders_.clear();
    if (!program_.intercept) return true;
    const Index c = program_.loss.outputs();
    // Row sums know no shift of all outputs together: softmax keeps its last intercept.
    const Index free = pair_->row_sums() ? c - 1 : c;
    Matrix system(free, free);
    for (Index l = 0; l < free; ++l) {
        Matrix ones = Matrix::Zero(n_, c);
        ones.col(l).setOnes();
        borders_.emplace_back();
        apply_inverse(ones, borders_.back());
        if (pair_->row_sums()) restore_row_sums(Vector::Zero(n_), borders_.back());
        system.col(l) = borders_.back().colwise().sum().head(free).transpose();
    }
    border_system_.compute(system);
    return system.allFinite();
}

// sum_b +-M_b^-1 p_b
void KktSystem::unit_step(Index u, const Matrix& p, Eigen::Ref<Vector> out) const {
    const Unit& unit = units_[u];
    out.setZero();
    for (Index i = 0; i < std::ssize(unit.blocks); ++i) {
        Vector step = unit.signs[i] * p.col(unit.blocks[i]);
        solve_block(unit.blocks[i], step);
        out += step;
    }
}

void KktSystem::slopes_without_border(const Matrix& p, const Matrix& r, Matrix& out) const {
    out.resize(n_, r.cols());
    Matrix y, loads;
    for (const Piece& piece : pieces_) {
        const Index count = std::ssize(piece.units);
        Matrix w(d_, count);
        for (Index i = 0; i < count; ++i) {
            if (piece.by_weights) {
                unit_load(piece.units[i], p, w.col(i));
            } else {
                unit_step(piece.units[i], p, w.col(i));
            }
        }
        if (!piece.by_weights) {
            forward(piece, w, y);
            y += r(Eigen::all, piece.outputs);
            cholesky_solve(piece.matrix, y.reshaped());
            out(Eigen::all, piece.outputs) = y;
            continue;
        }
        const Index j = piece.outputs.front();
        const Vector stiffness = pair_->compliance().col(j).cwiseInverse();
        backward(piece, stiffness.cwiseProduct(r.col(j)), loads);
        w -= loads;
        cholesky_solve(piece.matrix, w.reshaped());
        forward(piece, w, y);
        out.col(j) = stiffness.cwiseProduct(y.col(0) + r.col(j));
    }
}

void KktSystem::solve(const Matrix& p, const Matrix& r, Matrix& dv, Matrix& da,
                      RowVector& dc) const {
    slopes_without_border(p, r, da);
    const Matrix& a = pair_->slopes();
    if (pair_->row_sums()) restore_row_sums(-a.rowwise().sum(), da);
    dc = RowVector::Zero(r.cols());
    if (!borders_.empty()) {
        const Index free = std::ssize(borders_);
        const RowVector missing = -(a.colwise().sum() + da.colwise().sum());
        const Vector shift = border_system_.solve(missing.head(free).transpose());
        dc.head(free) = shift.transpose();
        for (Index l = 0; l < free; ++l) da += shift[l] * borders_[l];
    }
    dv = p;
    for (const Piece& piece : pieces_) {
        Matrix loads;
        backward(piece, da(Eigen::all, piece.outputs), loads);
        for (Index i = 0; i < loads.cols(); ++i) {
            const Unit& unit = units_[piece.units[i]];
            for (Index k = 0; k < std::ssize(unit.blocks); ++k) {
                const Index b = unit.blocks[k];
                dv.col(b) -= unit.signs[k] * loads.col(i);
                solve_block(b, dv.col(b));
            }
        }
    }
}

}  // namespace cycloid::relu
