#include "interior_point_system.hpp"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <numeric>

#include "cycloid/core/cholesky.hpp"
#include "cycloid/core/parallel.hpp"

namespace cycloid::relu {
namespace {

// Pivots below this share of their diagonal entry are rounding errors.
constexpr double pivot_floor = 1e-15;
constexpr Index stripe = 96;
constexpr Index most_samples = 10000;  // for the way of predictions as a second try
constexpr double weights_share = 0.6;  // of the samples: as many weights make their way cheaper

// A = L L' by one thread, which asks nobody whether to stop; the upper triangle becomes zero.
bool small_cholesky(Matrix& a) {
    if (cholesky(a, pivot_floor, Context{}) < 0 || !a.diagonal().allFinite()) return false;
    a.triangularView<Eigen::StrictlyUpper>().setZero();
    return true;
}

// Each row r becomes (I - 2 h h') r.
void reflect_rows(const Eigen::Ref<const Vector>& mirror, Matrix& rows) {
    const Vector along = 2 * (rows * mirror);
    rows.noalias() -= along * mirror.transpose();
}

}  // namespace

KktSystem::KktSystem(const Program& program, const Context& context)
    : program_(program),
      context_(context),
      n_(program.x.rows()),
      d_(program.x.cols()),
      xt_(program.x.transpose()),
      patterns_(program.patterns.count()),
      factors_(program.blocks.count()),
      mirrors_(d_, program.blocks.count()),
      row_is_zero_(n_) {
    for (Index k = 0; k < n_; ++k) row_is_zero_[k] = program.x.row(k).norm() == 0;
    find_pieces();
    find_units();
    for (const Unit& unit : units_) {
        PackedPattern& packed = patterns_[unit.pattern];
        if (!packed.rows.empty()) continue;
        for (Index k = 0; k < n_; ++k) {
            if (program_.patterns.active(k, unit.pattern) != 0) packed.rows.push_back(k);
        }
        packed.xt = xt_(Eigen::all, packed.rows);
    }
    const bool smooth = program.loss.kind() != LossKind::Softmax;
    for (Piece& piece : pieces_) {
        const double weights = double(d_) * double(piece.units.size());
        const double samples = double(n_) * double(piece.outputs.size());
        piece.by_weights = smooth && piece.outputs.size() == 1 && weights < weights_share * samples;
    }
}

bool KktSystem::avoid_weights() {
    bool changed = false;
    for (Piece& piece : pieces_) {
        if (!piece.by_weights || n_ > most_samples) continue;
        piece.by_weights = false;
        changed = true;
    }
    return changed;
}

// Connected components of the outputs under the directions.
void KktSystem::find_pieces() {
    const Matrix& g = program_.blocks.direction;
    std::vector<Index> label(g.rows());
    std::iota(label.begin(), label.end(), Index{0});
    for (Index b = 0; b < g.cols(); ++b) {
        Index first = -1;
        for (Index j = 0; j < g.rows(); ++j) {
            if (g(j, b) == 0) continue;
            if (first < 0) first = label[j];
            const Index old = label[j];
            std::replace(label.begin(), label.end(), std::max(old, first), std::min(old, first));
            first = std::min(old, first);
        }
    }
    std::vector<Index> piece_of(g.rows(), -1);
    for (Index j = 0; j < g.rows(); ++j) {
        if (piece_of[label[j]] < 0) {
            piece_of[label[j]] = std::ssize(pieces_);
            pieces_.emplace_back();
        }
        pieces_[piece_of[label[j]]].outputs.push_back(j);
    }
}

void KktSystem::find_units() {
    const Blocks& blocks = program_.blocks;
    std::vector<std::vector<Index>> of_pattern(program_.patterns.count());
    for (Index b = 0; b < blocks.count(); ++b) {
        const Vector g = blocks.direction.col(b);
        const Index pattern = blocks.pattern[b];
        Index found = -1;
        double sign = 1;
        for (const Index u : of_pattern[pattern]) {
            const auto other = blocks.direction.col(units_[u].blocks.front());
            if (g == other) found = u;
            if (g == -other) {
                found = u;
                sign = -1;
            }
        }
        if (found < 0) {
            Index output = 0;
            while (g[output] == 0) ++output;
            Index piece = 0;
            const auto holds = [&](const Piece& p) {
                return std::find(p.outputs.begin(), p.outputs.end(), output) != p.outputs.end();
            };
            while (!holds(pieces_[piece])) ++piece;
            found = std::ssize(units_);
            of_pattern[pattern].push_back(found);
            pieces_[piece].units.push_back(found);
            units_.push_back({pattern, piece, g(pieces_[piece].outputs), {}, {}, 0, {}, {}});
        }
        units_[found].blocks.push_back(b);
        units_[found].signs.push_back(sign);
    }
}

bool KktSystem::factor(const Iterate& at, const LossPair& pair) {
    pair_ = &pair;
    if (!factor_blocks(at) || !factor_units()) return false;
    for (Piece& piece : pieces_) {
        if (context_.stop()) return false;
        if (!(piece.by_weights ? factor_weights(piece) : factor_predictions(piece))) return false;
    }
    return factor_borders();
}

// M_b is tiny along v_b, where s = (2 D - I) X v is as small as it gets, and huge across. Formed in
// the given basis it would lose that direction to rounding. A reflection makes v_b the last axis;
// there the entries of X are s / |v|, known to all digits.
Matrix KktSystem::reflected_block(const Iterate& at, Index b, const Vector& mirror,
                                  double sign) const {
    const double length = at.x.tail.col(b).norm();
    Matrix m = Matrix::Zero(d_, d_);
    if (!program_.gated) {
        const auto values = at.values.col(b).array(), multipliers = at.multipliers.col(b).array();
        Matrix rows = xt_ * (multipliers / values).sqrt().matrix().asDiagonal();
        const Eigen::RowVectorXd along = 2 * (mirror.transpose() * rows);
        rows.noalias() -= mirror * along;
        const auto active = program_.patterns.active.col(program_.blocks.pattern[b]);
        for (Index k = 0; k < n_; ++k) {
            const double exact = sign * std::sqrt(multipliers[k] * values[k]) / length;
            rows(d_ - 1, k) = row_is_zero_[k] ? 0 : active[k] != 0 ? exact : -exact;
        }
        m.selfadjointView<Eigen::Lower>().rankUpdate(rows);
    }
    Vector axis = at.scaling.axis(b);
    axis /= std::max(axis.norm(), std::numeric_limits<double>::min());
    axis -= 2 * mirror.dot(axis) * mirror;
    const double sphere = at.scaling.sphere(b), radial = at.scaling.radial(b);
    const double main = axis[d_ - 1];
    m.diagonal().head(d_ - 1).array() += sphere;
    const double across = axis.head(d_ - 1).squaredNorm();
    // sphere (I - e e') + radial e e', where 1 - main^2 = across.
    m(d_ - 1, d_ - 1) += sphere * across + radial * main * main;
    axis[d_ - 1] = 0;
    m.selfadjointView<Eigen::Lower>().rankUpdate(axis, radial - sphere);
    m.row(d_ - 1).head(d_ - 1) += (radial - sphere) * main * axis.head(d_ - 1).transpose();
    return m;
}

bool KktSystem::factor_blocks(const Iterate& at) {
    const Index count = program_.blocks.count();
    std::vector<char> fine(count, 1);
    const double work = double(n_) * double(d_) * double(d_) * double(count);
    parallel_for(context_.team(work), count, [&](Index b) {
        // I - 2 h h' exchanges v_b / |v_b| and the last axis, up to sign.
        Vector mirror = at.x.tail.col(b).normalized();
        mirror[d_ - 1] += mirror[d_ - 1] > 0 ? 1 : -1;
        const bool flipped = mirror[d_ - 1] > 0;
        mirrors_.col(b) = mirror.normalized();
        factors_[b] = reflected_block(at, b, mirrors_.col(b), flipped ? -1 : 1);
        fine[b] = small_cholesky(factors_[b]) ? 1 : 0;
    });
    return std::find(fine.begin(), fine.end(), 0) == fine.end();
}

void KktSystem::solve_block(Index b, Eigen::Ref<Vector> x) const {
    const auto mirror = mirrors_.col(b);
    x -= 2 * mirror.dot(x) * mirror;
    cholesky_solve(factors_[b], x);
    x -= 2 * mirror.dot(x) * mirror;
}

bool KktSystem::factor_units() {
    const Index count = std::ssize(units_);
    std::vector<char> fine(count, 1);
    const double work = double(n_) * double(d_) * double(d_) * double(count);
    parallel_for(context_.team(work), count, [&](Index u) {
        Unit& unit = units_[u];
        unit.main = 0;
        for (Index i = 1; i < std::ssize(unit.blocks); ++i) {
            const auto pivot = [&](Index j) { return factors_[unit.blocks[j]](d_ - 1, d_ - 1); };
            if (pivot(i) < pivot(unit.main)) unit.main = i;
        }
        const bool by_weights = pieces_[unit.piece].by_weights;
        fine[u] = (by_weights ? parallel_sum(unit) : factor_sum(unit)) ? 1 : 0;
    });
    return std::find(fine.begin(), fine.end(), 0) == fine.end();
}

// N is large along the v_b of its longest block, which goes first here: the elimination of a large
// pivot leaves the small ones their digits. So N is factored after the reflection of that block,
// with the axes in reverse order.
bool KktSystem::factor_sum(Unit& unit) const {
    const auto main = mirrors_.col(unit.blocks[unit.main]);
    Matrix sum = Matrix::Zero(d_, d_);
    for (Index i = 0; i < std::ssize(unit.blocks); ++i) {
        const Index b = unit.blocks[i];
        Matrix inverse = Matrix::Identity(d_, d_);
        factors_[b].triangularView<Eigen::Lower>().solveInPlace(inverse);
        if (i != unit.main) {
            reflect_rows(mirrors_.col(b), inverse);
            reflect_rows(main, inverse);
        }
        sum.selfadjointView<Eigen::Upper>().rankUpdate(inverse.transpose());
    }
    Matrix root = sum.reverse();
    if (!small_cholesky(root)) return false;
    Matrix rows = patterns_[unit.pattern].xt.transpose();
    reflect_rows(main, rows);
    unit.half.noalias() = root.transpose() * rows.rowwise().reverse().transpose();
    return true;
}

// N^-1, reflected as the longest block, without N: of M and M' it is M' (M + M')^-1 M.
bool KktSystem::parallel_sum(Unit& unit) const {
    const Index main = unit.blocks[unit.main];
    const auto product = [&](Index b) -> Matrix {
        const Matrix& factor = factors_[b];
        return factor * factor.transpose();
    };
    unit.inverse = product(main);
    for (Index i = 0; i < std::ssize(unit.blocks); ++i) {
        if (i == unit.main) continue;
        Matrix rows = factors_[unit.blocks[i]].transpose();
        reflect_rows(mirrors_.col(unit.blocks[i]), rows);
        reflect_rows(mirrors_.col(main), rows);
        Matrix other = rows.transpose() * rows, both = other + unit.inverse;
        if (!small_cholesky(both)) return false;
        both.triangularView<Eigen::Lower>().solveInPlace(unit.inverse);
        both.triangularView<Eigen::Lower>().solveInPlace(other);
        const Matrix product_of_both = other.transpose() * unit.inverse;
        unit.inverse = 0.5 * (product_of_both + product_of_both.transpose());
    }
    return true;
}

// N^-1 sum_b +-M_b^-1 p_b = +-p_main + N^-1 sum over the others of M_b^-1 (+-p_b - +-p_main), where
// nothing is large. Reflected as the unit.
void KktSystem::unit_load(Index u, const Matrix& p, Eigen::Ref<Vector> out) const {
    const Unit& unit = units_[u];
    const Vector load = unit.signs[unit.main] * p.col(unit.blocks[unit.main]);
    out.setZero();
    for (Index i = 0; i < std::ssize(unit.blocks); ++i) {
        if (i == unit.main) continue;
        Vector other = unit.signs[i] * p.col(unit.blocks[i]) - load;
        solve_block(unit.blocks[i], other);
        out += other;
    }
    const auto mirror = mirrors_.col(unit.blocks[unit.main]);
    const auto reflect = [&](const Vector& x) -> Vector { return x - 2 * mirror.dot(x) * mirror; };
    out = reflect(load) + unit.inverse * reflect(out);
}

// The lower triangle of a piece's matrix over samples, columns [begin, end) of each output.
void KktSystem::add_products(Piece& piece, Index begin, Index end) const {
    Matrix product;
    for (const Index u : piece.units) {
        const Unit& unit = units_[u];
        const std::vector<Index>& rows = patterns_[unit.pattern].rows;
        const auto at = [&](Index k) {
            return std::lower_bound(rows.begin(), rows.end(), k) - rows.begin();
        };
        const Index first = at(begin), count = at(end) - first, rest = std::ssize(rows) - first;
        if (count == 0) continue;
        product.noalias() =
            unit.half.rightCols(rest).transpose() * unit.half.middleCols(first, count);
        const Index* target_rows = rows.data() + first;
        const Index outputs = std::ssize(piece.outputs);
        for (Index l = 0; l < outputs; ++l) {
            for (Index j = l; j < outputs; ++j) {
                const double scale = unit.direction[j] * unit.direction[l];
                if (scale == 0) continue;
                for (Index k = 0; k < count; ++k) {
                    double* target = piece.matrix.col(l * n_ + target_rows[k]).data() + j * n_;
                    const double* source = product.col(k).data();
                    // Of a diagonal block the lower half alone is right, and needed. Off it the
                    // block is symmetric: what lies above is its mirror image.
                    for (Index i = k; i < rest; ++i) target[target_rows[i]] += scale * source[i];
                    if (j == l) continue;
                    for (Index i = k + 1; i < rest; ++i) {
                        piece.matrix(j * n_ + target_rows[k], l * n_ + target_rows[i]) +=
                            scale * source[i];
                    }
                }
            }
        }
    }
}

bool KktSystem::factor_predictions(Piece& piece) {
    const Index outputs = std::ssize(piece.outputs), size = n_ * outputs;
    piece.matrix.setZero(size, size);
    for (Index j = 0; j < outputs; ++j) {
        piece.matrix.diagonal().segment(j * n_, n_) = pair_->compliance().col(piece.outputs[j]);
    }
    // With several outputs a stripe writes outside of its columns.
    const double work = double(n_) * double(n_) / 8 * double(d_) * double(std::ssize(piece.units));
    parallel_blocks(outputs == 1 ? context_.team(work) : 1, n_, stripe,
                    [&](Index begin, Index end) { add_products(piece, begin, end); });
    return cholesky(piece.matrix, pivot_floor, context_) >= 0 &&
           piece.matrix.diagonal().allFinite();
}

// In the units' reflected axes, where what is stiff and what is not stay apart.
bool KktSystem::factor_weights(Piece& piece) {
    const Index count = std::ssize(piece.units), size = d_ * count;
    const Vector root = pair_->compliance().col(piece.outputs.front()).cwiseInverse().cwiseSqrt();
    Matrix features = Matrix::Zero(n_, size);
    const double work = double(n_) * double(size) * double(size) / 2;
    parallel_for(context_.team(double(n_) * double(size)), count, [&](Index i) {
        const Unit& unit = units_[piece.units[i]];
        const PackedPattern& packed = patterns_[unit.pattern];
        Matrix rows = packed.xt.transpose();
        reflect_rows(mirrors_.col(unit.blocks[unit.main]), rows);
        for (Index j = 0; j < d_; ++j) {
            double* target = features.col(i * d_ + j).data();
            const double* source = rows.col(j).data();
            for (const Index k : packed.rows) target[k] = root[k] * *source++;
        }
    });
    piece.matrix.setZero(size, size);
    const Index stripes = (size + stripe - 1) / stripe;
    parallel_for(context_.team(work), stripes, [&](Index s) {
        const Index begin = s * stripe, width = std::min(stripe, size - begin);
        auto target = piece.matrix.block(begin, begin, size - begin, width);
        target.noalias() =
            features.rightCols(size - begin).transpose() * features.middleCols(begin, width);
    });
    parallel_for(context_.team(double(size) * double(d_ * d_)), count, [&](Index i) {
        piece.matrix.block(i * d_, i * d_, d_, d_) += units_[piece.units[i]].inverse;
    });
    return cholesky(piece.matrix, pivot_floor, context_) >= 0 &&
           piece.matrix.diagonal().allFinite();
}

}  // namespace cycloid::relu
