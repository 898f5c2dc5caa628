#include "cycloid/bcd/dual_solver.hpp"

#include <algorithm>
#include <cmath>

#include "cycloid/core/simd.hpp"

namespace cycloid::bcd {
namespace {

constexpr double patience = 20;  // epochs; they cost about what Newton's method would

// 1 / (1 + exp(margin))
double logistic(double margin) {
    const double e = simd::exp_nonpositive(-std::fabs(margin)), small = e / (1.0 + e);
    return margin > 0 ? small : 1.0 - small;
}

}  // namespace

DualSolver::DualSolver(const Operator& x, const double* y, const double* w, const double* v,
                       bool intercept)
    : y_(y),
      w_(w),
      intercept_(intercept),
      b_(static_cast<std::size_t>(x.columns())),
      a_(static_cast<std::size_t>(x.rows())),
      margin_(a_.size()) {
    usable_ = x.gather_rows(rows_);
    if (!usable_) return;
    if (v != nullptr) {
        scale_.resize(b_.size());
        for (std::size_t j = 0; j < b_.size(); ++j) scale_[j] = 1 / std::sqrt(v[j]);
        for (RowBlock::Entry& e : rows_.all()) e.value *= static_cast<float>(scale_[e.column]);
    }
    if (!intercept_) return;
    for (std::size_t i = 0; i < a_.size(); ++i) {
        double sum = 0;
        for (const RowBlock::Entry& e : rows_.row(i)) sum += double{e.value} * e.value;
        square_ += w_[i] * sum / static_cast<double>(a_.size());
    }
}

bool DualSolver::solve(double ridge, std::span<const double> u, std::span<const double> slope,
                       double tolerance, std::span<double> b, double& b0, const Context& context,
                       Effort& effort) {
    // The larger, the faster b0 settles, but the tighter it couples the rows: some multiple of what
    // couples a row to itself.
    pull_ = intercept_ ? 4 * (square_ / ridge + 4) : 0.0;
    b0_ = b0;
    start(ridge, u, slope);
    bool fast = true;
    const Index before = effort.epochs;
    double previous = INFINITY;
    for (Index k = 0; fast && !context.stop(); ++k) {
        const double gap = epoch(ridge, context), rate = gap / previous;
        ++effort.epochs;
        // The gap was read off before each row's update: what is left after them is about as much
        // less again, and a gap at the primal point's own dual point some times more.
        if (k > 0 && 4 * rate * gap <= tolerance) break;
        fast = k < 3 || gap * std::pow(rate, patience - double(k)) <= tolerance;
        previous = gap;
    }
    for (std::size_t j = 0; j < b_.size(); ++j) b[j] = (scale_.empty() ? 1.0 : scale_[j]) * b_[j];
    b0 = b0_;
    return fast && static_cast<double>(effort.epochs - before) <= 0.5 * patience;
}

// The best multiple c <= 1 of u as the first dual point: far from the optimum, u itself is far too
// long. Newton's method on the derivative along log(c), which is concave, from the right.
void DualSolver::start(double ridge, std::span<const double> u, std::span<const double> slope) {
    constexpr double least = 1e-16;
    double square = 0;
    for (std::size_t j = 0; j < b_.size(); ++j) {
        b_[j] = (scale_.empty() ? 1.0 : scale_[j]) * slope[j] / ridge;
        square += ridge * b_[j] * b_[j];
    }
    for (std::size_t i = 0; i < a_.size(); ++i) {
        a_[i] = w_[i] > 0 ? std::clamp(y_[i] * u[i] / w_[i], least, 1 - least) : 0.5;
    }
    double c = 1;
    for (int pass = 0; pass < 20; ++pass) {
        double entropy = 0, bend = c * square;
        for (std::size_t i = 0; i < a_.size(); ++i) {
            const double a = c * a_[i];
            margin_[i] = std::log((1 - a) / a);
            entropy += w_[i] * a_[i] * margin_[i];
            bend += w_[i] * a_[i] / (1 - a);
        }
        const double step = (entropy - c * square) / bend;
        if (step > -0.1) break;
        c *= std::exp(step);
    }
    imbalance_ = 0;
    for (double& b : b_) b *= c;
    for (std::size_t i = 0; i < a_.size(); ++i) {
        a_[i] = logistic(margin_[i]);
        imbalance_ += w_[i] * y_[i] * a_[i];
    }
}

// Maximizes over one a_i after the other: at its maximum the margin m = y_i (x_i'b + b0) that a_i
// itself moves is the margin that a_i stands for. Returns the duality gap that the rows showed,
// each before its update.
double DualSolver::epoch(double ridge, const Context& context) {
    b0_ += pull_ * imbalance_;
    double gap = 0;
    for (std::size_t i = 0; i < a_.size(); ++i) {
        if ((i & 0xfff) == 0 && context.stop()) break;
        const std::span<const RowBlock::Entry> row = rows_.row(i);
        double product = 0, square = 0;
        for (const RowBlock::Entry& e : row) {
            product += b_[e.column] * e.value;
            square += double{e.value} * e.value;
        }
        const double m = y_[i] * (product + b0_), reach = w_[i] * (square / ridge + pull_);
        const double a0 = a_[i], move = m - margin_[i];
        gap += 0.5 * w_[i] * move * move * a0 * (1 - a0);
        // Newton's method for z = m + reach (logistic(z) - a0), whose root lies between the margins
        // old and new. From the point closest to zero it goes there without overshooting.
        double z = margin_[i], a = a0;
        if (std::fabs(move) > 1) {
            z = m * z <= 0 ? 0.0 : std::fabs(m) < std::fabs(z) ? m : z;
            a = logistic(z);
        }
        double step = 1;
        for (int k = 0; k < 20 && std::fabs(step) > 0.1; ++k) {
            step = (m + reach * (a - a0) - z) / (1 + reach * a * (1 - a));
            z += step;
            a = logistic(z);
        }
        margin_[i] = z, a_[i] = a;
        const double change = w_[i] * y_[i] * (a - a0);
        imbalance_ += change;
        b0_ += pull_ * change;
        for (const RowBlock::Entry& e : row) b_[e.column] += change / ridge * e.value;
    }
    return gap;
}

}  // namespace cycloid::bcd
