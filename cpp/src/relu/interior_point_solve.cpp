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

// Loads w of the units become their steps, both in reflected axes; r as in the system.
void KktSystem::solve_weights(const Piece& piece, const Vector& r, Matrix& w,
                              Eigen::Ref<Vector> slopes) const {
    const Vector stiffness = pair_->compliance().col(piece.outputs.front()).cwiseInverse();
    Matrix loads, steps, y;
    backward(piece, stiffness.cwiseProduct(r), loads);
    reflect_units(piece, loads);
    w -= loads;
    cholesky_solve(piece.matrix, w.reshaped());
    steps = w;
    reflect_units(piece, steps);
    forward(piece, steps, y);
    slopes = stiffness.cwiseProduct(y.col(0) + r);
}

void KktSystem::reflect_units(const Piece& piece, Matrix& w) const {
    for (Index i = 0; i < w.cols(); ++i) {
        const Unit& unit = units_[piece.units[i]];
        const auto mirror = mirrors_.col(unit.blocks[unit.main]);
        w.col(i) -= 2 * mirror.dot(w.col(i)) * mirror;
    }
}

void KktSystem::apply_inverse(const Matrix& rhs, Matrix& out) const {
    out.resize(rhs.rows(), rhs.cols());
    for (const Piece& piece : pieces_) {
        if (piece.by_weights) {
            const Index j = piece.outputs.front();
            Matrix w = Matrix::Zero(d_, std::ssize(piece.units));
            solve_weights(piece, rhs.col(j), w, out.col(j));
        } else {
            Matrix stacked = rhs(Eigen::all, piece.outputs);
            cholesky_solve(piece.matrix, stacked.reshaped());
            out(Eigen::all, piece.outputs) = stacked;
        }
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
    for (Piece& piece : pieces_) {
        if (!piece.by_weights) continue;
        Vector slopes(n_);
        piece.border = Matrix::Zero(d_, std::ssize(piece.units));
        solve_weights(piece, Vector::Ones(n_), piece.border, slopes);
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

void KktSystem::solve_without_border(const Matrix& p, const Matrix& r, Matrix& da,
                                     std::vector<Matrix>& steps) const {
    da.resize(n_, r.cols());
    steps.resize(pieces_.size());
    Matrix y;
    for (Index i = 0; i < std::ssize(pieces_); ++i) {
        const Piece& piece = pieces_[i];
        Matrix& w = steps[i];
        w.resize(d_, std::ssize(piece.units));
        for (Index k = 0; k < w.cols(); ++k) {
            if (piece.by_weights) {
                unit_load(piece.units[k], p, w.col(k));
            } else {
                unit_step(piece.units[k], p, w.col(k));
            }
        }
        if (piece.by_weights) {
            const Index j = piece.outputs.front();
            solve_weights(piece, r.col(j), w, da.col(j));
        } else {
            forward(piece, w, y);
            y += r(Eigen::all, piece.outputs);
            cholesky_solve(piece.matrix, y.reshaped());
            da(Eigen::all, piece.outputs) = y;
        }
    }
}

// A unit's step is the sum of +-dv_b: its long block takes what the others, solved for, leave.
void KktSystem::weights_to_blocks(const Piece& piece, const Matrix& steps, Matrix& dv) const {
    for (Index i = 0; i < steps.cols(); ++i) {
        const Unit& unit = units_[piece.units[i]];
        Vector rest = steps.col(i);
        for (Index k = 0; k < std::ssize(unit.blocks); ++k) {
            if (k != unit.main) rest -= unit.signs[k] * dv.col(unit.blocks[k]);
        }
        dv.col(unit.blocks[unit.main]) = unit.signs[unit.main] * rest;
    }
}

void KktSystem::solve(const Matrix& p, const Matrix& r, Matrix& dv, Matrix& da,
                      RowVector& dc) const {
    std::vector<Matrix> steps;
    solve_without_border(p, r, da, steps);
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
    for (Index i = 0; i < std::ssize(pieces_); ++i) {
        const Piece& piece = pieces_[i];
        Matrix loads;
        backward(piece, da(Eigen::all, piece.outputs), loads);
        for (Index k = 0; k < loads.cols(); ++k) {
            const Unit& unit = units_[piece.units[k]];
            for (Index m = 0; m < std::ssize(unit.blocks); ++m) {
                dv.col(unit.blocks[m]) -= unit.signs[m] * loads.col(k);
                solve_block(unit.blocks[m], dv.col(unit.blocks[m]));
            }
        }
        if (!piece.by_weights) continue;
        if (!borders_.empty()) steps[i] += dc[piece.outputs.front()] * piece.border;
        reflect_units(piece, steps[i]);
        weights_to_blocks(piece, steps[i], dv);
    }
}

}  // namespace cycloid::relu
