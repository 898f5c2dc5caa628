#include "cycloid/newton/symmetric_factor.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

namespace cycloid::newton {
namespace {

// (1 + sqrt(17)) / 8: bounds the growth of entries over two 1 x 1 steps as over one 2 x 2 step.
constexpr double growth_bound = 0.6403882032022076;
constexpr Index panel_width = 48, tile = 192;

std::array<double, 2> eigenvalues(double a, double b, double c) {  // of [a b; b c]
    const double middle = (a + c) / 2, radius = std::hypot((a - c) / 2, b);
    return {middle - radius, middle + radius};
}

}  // namespace

bool SymmetricFactor::factorize(Matrix a, const Context& context) {
    ld_ = std::move(a);
    const Index n = ld_.rows();
    double scale = 0;
    for (Index j = 0; j < n; ++j)
        scale = std::max(scale, ld_.col(j).tail(n - j).cwiseAbs().maxCoeff());
    work_.resize(n, std::min(n, panel_width + 1));
    origin_.resize(static_cast<std::size_t>(n));
    std::iota(origin_.begin(), origin_.end(), Index{0});
    double_.assign(static_cast<std::size_t>(n), false);
    for (Index begin = 0; begin < n;) {
        if (context.stop()) return false;
        const Index end = factorize_panel(begin, std::min(panel_width, n - begin));
        update_trailing(begin, end, context);
        begin = end;
    }
    count_inertia(scale);
    return true;
}

// Factors `width` columns from `begin` on, or one more where a 2 x 2 block stands at the end; the
// columns after them are not touched. Returns where it stopped.
Index SymmetricFactor::factorize_panel(Index begin, Index width) {
    const Index n = ld_.rows();
    Index k = begin;
    while (k < begin + width) {
        load_column(begin, k, k, k - begin);
        const Index chosen = choose_pivot(begin, k);
        const bool pair = chosen < 0;
        const Index p = pair ? -chosen : chosen;
        const Index last = pair ? k + 1 : k;
        if (p != last) exchange(begin, last, p);
        const Index c = k - begin, below = n - last - 1;
        if (!pair) {
            ld_.col(k).tail(n - k) = work_.col(c).tail(n - k);
            const double pivot = ld_(k, k);
            if (pivot != 0) ld_.col(k).tail(below) /= pivot;
        } else {
            double_[static_cast<std::size_t>(k)] = true;
            const double d21 = work_(k + 1, c);
            const double d11 = work_(k, c) / d21, d22 = work_(k + 1, c + 1) / d21;
            const double t = 1 / ((d11 * d22 - 1) * d21);
            auto first = work_.col(c).tail(below), second = work_.col(c + 1).tail(below);
            ld_.col(k).tail(below) = t * (d22 * first - second);
            ld_.col(k + 1).tail(below) = t * (d11 * second - first);
            ld_(k, k) = work_(k, c);
            ld_(k + 1, k) = d21;
            ld_(k + 1, k + 1) = work_(k + 1, c + 1);
        }
        k = last + 1;
    }
    return k;
}

// work(:, target) <- column `column` of what is left of the matrix before step k
void SymmetricFactor::load_column(Index begin, Index column, Index k, Index target) {
    const Index n = ld_.rows(), done = k - begin;
    auto out = work_.col(target);
    out.segment(k, column - k) = ld_.row(column).segment(k, column - k).transpose();
    out.tail(n - column) = ld_.col(column).tail(n - column);
    if (done > 0) {
        out.tail(n - k).noalias() -=
            ld_.block(k, begin, n - k, done) * work_.row(column).head(done).transpose();
    }
}

// The row to exchange with row k for a 1 x 1 pivot, or minus the row to exchange with row k + 1
// for a 2 x 2 pivot. The column(s) of the pivot then stand in work.
Index SymmetricFactor::choose_pivot(Index begin, Index k) {
    const Index n = ld_.rows(), c = k - begin, below = n - k - 1;
    if (below == 0) return k;
    const double diagonal = std::abs(work_(k, c));
    Index where = 0;
    const double largest = work_.col(c).tail(below).cwiseAbs().maxCoeff(&where);
    if (!(largest > 0) || diagonal >= growth_bound * largest) return k;
    const Index p = k + 1 + where;
    load_column(begin, p, k, c + 1);
    auto column = work_.col(c + 1);
    double row_largest = column.segment(k, p - k).cwiseAbs().maxCoeff();
    if (p + 1 < n) {
        row_largest = std::max(row_largest, column.tail(n - p - 1).cwiseAbs().maxCoeff());
    }
    if (diagonal >= growth_bound * largest * (largest / row_largest)) return k;
    if (std::abs(column(p)) >= growth_bound * row_largest) {
        work_.col(c).tail(n - k) = column.tail(n - k);
        return p;
    }
    return -p;
}

// Exchanges rows and columns k and p > k of the matrix, and the rows of what is factored.
void SymmetricFactor::exchange(Index begin, Index k, Index p) {
    const Index n = ld_.rows();
    ld_(p, p) = ld_(k, k);  // column k itself stands in work and is written from there
    ld_.row(p).segment(k + 1, p - k - 1) = ld_.col(k).segment(k + 1, p - k - 1).transpose();
    ld_.col(p).tail(n - p - 1) = ld_.col(k).tail(n - p - 1);
    ld_.row(k).head(k).swap(ld_.row(p).head(k));
    work_.row(k).head(k - begin + 1).swap(work_.row(p).head(k - begin + 1));
    std::swap(origin_[static_cast<std::size_t>(k)], origin_[static_cast<std::size_t>(p)]);
}

void SymmetricFactor::update_trailing(Index begin, Index end, const Context& context) {
    const Index rest = ld_.rows() - end, width = end - begin;
    if (rest == 0) return;
    const auto left = ld_.block(end, begin, rest, width);
    const auto right = work_.block(end, 0, rest, width);
    const Index tiles = (rest + tile - 1) / tile;
    const double work = double(rest) * double(rest) * double(width);
    parallel_for(context.team(work), tiles * (tiles + 1) / 2, [&](Index t) {
        Index column = 0;
        while (t >= tiles - column) t -= tiles - column++;
        const Index i = (column + t) * tile, j = column * tile;
        const Index height = std::min(tile, rest - i), breadth = std::min(tile, rest - j);
        const auto rows = left.middleRows(i, height);
        const auto columns = right.middleRows(j, breadth).transpose();
        auto target = ld_.block(end + i, end + j, height, breadth);
        if (i == j) {
            target.template triangularView<Eigen::Lower>() -= rows * columns;
        } else {
            target.noalias() -= rows * columns;
        }
    });
}

void SymmetricFactor::count_inertia(double scale) {
    tiny_ = 10 * std::numeric_limits<double>::epsilon() * scale;
    positive_ = negative_ = 0;
    const auto count = [&](double value) {
        positive_ += value > tiny_;
        negative_ += value < -tiny_;
    };
    for (Index k = 0; k < size(); ++k) {
        if (!double_[static_cast<std::size_t>(k)]) {
            count(ld_(k, k));
            continue;
        }
        for (const double value : eigenvalues(ld_(k, k), ld_(k + 1, k), ld_(k + 1, k + 1))) {
            count(value);
        }
        ++k;
    }
}

void SymmetricFactor::solve(Vector& x) const {
    const Index n = size();
    Vector y(n);
    for (Index k = 0; k < n; ++k) y[k] = x[origin_[static_cast<std::size_t>(k)]];
    // The entry of D below the diagonal is no part of L.
    const auto substitute = [&](Index k, Index step, Index below) {
        for (Index j = k; j < k + step; ++j) y.tail(below) -= y[j] * ld_.col(j).tail(below);
    };
    for (Index k = 0; k < n;) {
        const Index step = double_[static_cast<std::size_t>(k)] ? 2 : 1;
        substitute(k, step, n - k - step);
        k += step;
    }
    for (Index k = 0; k < n; ++k) {
        if (!double_[static_cast<std::size_t>(k)]) {
            y[k] = std::abs(ld_(k, k)) > tiny_ ? y[k] / ld_(k, k) : 0.0;
            continue;
        }
        const double b = ld_(k + 1, k), a = ld_(k, k) / b, c = ld_(k + 1, k + 1) / b;
        const double u = y[k] / b, v = y[k + 1] / b, determinant = a * c - 1;
        y[k] = (c * u - v) / determinant;
        y[k + 1] = (a * v - u) / determinant;
        ++k;
    }
    for (Index k = n - 1; k >= 0; --k) {
        const bool pair = k > 0 && double_[static_cast<std::size_t>(k - 1)];
        const Index below = n - k - 1;
        y[k] -= ld_.col(k).tail(below).dot(y.tail(below));
        if (!pair) continue;
        y[k - 1] -= ld_.col(k - 1).tail(below).dot(y.tail(below));
        --k;
    }
    for (Index k = 0; k < n; ++k) x[origin_[static_cast<std::size_t>(k)]] = y[k];
}

}  // namespace cycloid::newton
