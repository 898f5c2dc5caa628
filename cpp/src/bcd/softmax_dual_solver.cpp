#include "cycloid/bcd/softmax_dual_solver.hpp"

#include <algorithm>
#include <cmath>

#include "cycloid/core/simd.hpp"

namespace cycloid::bcd {
namespace {

constexpr double patience = 30;  // epochs; they cost about what Newton's method would
constexpr int most_newton = 20;
constexpr float least_logarithm = -80.0F;  // where exp is still a normal number

// p <- exp(logarithm), both normalised to sum one.
void normalise(Index k, float* logarithm, float* p) {
    float top = logarithm[0];
    for (Index c = 1; c < k; ++c) top = std::max(top, logarithm[c]);
    float total = 0;
#pragma omp simd reduction(+ : total)
    for (Index c = 0; c < k; ++c) {
        const float shifted = logarithm[c] - top;
        logarithm[c] = shifted < least_logarithm ? least_logarithm : shifted;
        p[c] = simd::exp_nonpositive(logarithm[c]);
        total += p[c];
    }
    const float scale = 1 / total, shift = std::log(total);
#pragma omp simd
    for (Index c = 0; c < k; ++c) {
        p[c] *= scale;
        logarithm[c] -= shift;
    }
}

}  // namespace

SoftmaxDualSolver::SoftmaxDualSolver(const Operator& x, const Response& response, bool intercept)
    : r_(response), intercept_(intercept) {
    usable_ = x.gather_rows(rows_);
    if (!usable_) return;
    const auto k = static_cast<std::size_t>(r_.n_outputs), n = static_cast<std::size_t>(r_.n);
    b_.resize(static_cast<std::size_t>(x.columns()) * k);
    logarithm_.resize(n * k), p_.resize(n * k);
    b0_.resize(k), imbalance_.resize(k), score_.resize(k), target_.resize(k), before_.resize(k);
    for (std::size_t i = 0; i < n; ++i) {
        double sum = 0;
        for (const RowBlock::Entry& e : rows_.row(i)) sum += double{e.value} * e.value;
        square_ += r_.w[i] * sum / static_cast<double>(r_.n);
    }
}

bool SoftmaxDualSolver::solve(double ridge, Outputs& u, const Outputs& slope, double tolerance,
                              Eigen::VectorXd& b0, const Context& context, Effort& effort) {
    const Index k = r_.n_outputs;
    // As for two classes, some multiple of what couples a row to itself; the more classes, the
    // fewer samples hold the intercept of each. On text (sector, 105 classes) the multiples 4, k/2,
    // k, 2k and 8k took more than 20, 10, 15, 27 and more than 30 epochs to a gap of 1e-6.
    const double multiple = 0.5 * static_cast<double>(k);
    pull_ = intercept_ ? static_cast<float>(multiple * (square_ / ridge + 4)) : 0.0F;
    for (Index c = 0; c < k; ++c) b0_[c] = static_cast<float>(b0[c]);
    start(ridge, u, slope);
    bool fast = true;
    double previous = INFINITY;
    Index epochs = 0;
    for (; fast && !context.stop(); ++epochs) {
        const double gap = epoch(ridge, context), rate = gap / previous;
        ++effort.epochs;
        // The gap was read off before each row's update: what is left after them is about as much
        // less again.
        if (epochs > 0 && 4 * rate * gap <= tolerance) break;
        fast = epochs < 3 || gap * std::pow(rate, patience - double(epochs)) <= tolerance;
        previous = gap;
    }
    for (Index i = 0; i < r_.n; ++i) {
        double total = 0;
        for (Index c = 0; c < k; ++c) total += double{p_[i * k + c]};
        for (Index c = 0; c < k; ++c) u(i, c) = -r_.w[i] * (double{p_[i * k + c]} / total);
        u(i, static_cast<Index>(r_.y[i])) += r_.w[i];
    }
    for (Index c = 0; c < k; ++c) b0[c] = double{b0_[c]};
    return fast && static_cast<double>(epochs) <= 0.5 * patience;
}

// The dual objective at scale * u, where |X'u|^2 / ridge = square.
double SoftmaxDualSolver::dual(double scale, double square, const Outputs& u) const {
    double value = -0.5 * scale * scale * square, c = 0;
    const Outputs scaled = scale * u;
    value += Softmax::dual(r_, scaled.data(), 1.0, true, c);
    return value;
}

// From the best multiple c of u: far from the optimum u itself is far too long.
void SoftmaxDualSolver::start(double ridge, const Outputs& u, const Outputs& slope) {
    const Index k = r_.n_outputs;
    const double square = slope.squaredNorm() / ridge;
    double scale = 1, best = dual(scale, square, u);
    for (int halvings = 1; halvings <= 13; ++halvings) {
        const double trial = std::ldexp(1.0, -halvings), value = dual(trial, square, u);
        if (value > best) scale = trial, best = value;
    }
    for (Index j = 0; j < slope.rows(); ++j) {
        for (Index c = 0; c < k; ++c) {
            b_[j * k + c] = static_cast<float>(scale * slope(j, c) / ridge);
        }
    }
    std::fill(imbalance_.begin(), imbalance_.end(), 0.0F);
    for (Index i = 0; i < r_.n; ++i) {
        float *logarithm = logarithm_.data() + i * k, *p = p_.data() + i * k;
        const auto label = static_cast<Index>(r_.y[i]);
        for (Index c = 0; c < k; ++c) {
            const double mine = c == label ? 1.0 : 0.0;
            const double share = r_.w[i] > 0 ? mine - scale * u(i, c) / r_.w[i] : mine;
            logarithm[c] = share > 1e-30 ? static_cast<float>(std::log(share)) : least_logarithm;
        }
        normalise(k, logarithm, p);
        for (Index c = 0; c < k; ++c) {
            imbalance_[c] += static_cast<float>(r_.w[i]) * ((c == label ? 1.0F : 0.0F) - p[c]);
        }
    }
}

// Maximizes over one sample's probabilities after the other. Returns the duality gap that the rows
// showed, each before its update.
double SoftmaxDualSolver::epoch(double ridge, const Context& context) {
    for (std::size_t c = 0; c < b0_.size(); ++c) b0_[c] += pull_ * imbalance_[c];
    double gap = 0;
    for (Index i = 0; i < r_.n; ++i) {
        if ((i & 0xff) == 0 && context.stop()) break;
        if (r_.w[i] > 0) gap += relax(i, ridge);
    }
    return gap;
}

// At the maximum the scores s - reach (p - p0) that p itself moves are those that p stands for:
// log(p_k) + reach p_k = s_k + reach p0_k - mu, with mu such that p sums to one. Newton's method
// for all of them at once.
double SoftmaxDualSolver::relax(Index i, double ridge) {
    const Index k = r_.n_outputs;
    const std::span<const RowBlock::Entry> row = rows_.row(static_cast<std::size_t>(i));
    float *logarithm = logarithm_.data() + i * k, *p = p_.data() + i * k;
    float *score = score_.data(), *target = target_.data(), *before = before_.data();
    std::copy(b0_.begin(), b0_.end(), score);
    double square = 0;
    for (const RowBlock::Entry& e : row) {
        const float* b = b_.data() + e.column * k;
        const float v = e.value;
        square += double{v} * v;
#pragma omp simd
        for (Index c = 0; c < k; ++c) score[c] += v * b[c];
    }
    const auto w = static_cast<float>(r_.w[i]);
    const float reach = w * (static_cast<float>(square / ridge) + pull_);
    float mean = 0, spread = 0;
#pragma omp simd reduction(+ : mean, spread)
    for (Index c = 0; c < k; ++c) {
        const float apart = score[c] - logarithm[c];
        mean += p[c] * apart;
        spread += p[c] * apart * apart;
        before[c] = p[c];
        target[c] = score[c] + reach * p[c];
    }
    for (int step = 0; step < most_newton; ++step) {
        float weight = 0, pull = 0;
#pragma omp simd reduction(+ : weight, pull)
        for (Index c = 0; c < k; ++c) {
            const float share = p[c] / (1 + reach * p[c]);
            weight += share;
            pull += share * (target[c] - logarithm[c] - reach * p[c]);
        }
        const float mu = pull / weight;
        float largest = 0;
#pragma omp simd reduction(max : largest)
        for (Index c = 0; c < k; ++c) {
            const float move = (target[c] - mu - logarithm[c] - reach * p[c]) / (1 + reach * p[c]);
            // A probability is at most one: no step goes further up.
            const float moved = std::min(logarithm[c] + move, 0.0F);
            largest = std::max(largest, p[c] * std::fabs(moved - logarithm[c]));
            logarithm[c] = moved;
        }
        normalise(k, logarithm, p);
        if (largest < 1e-3F) break;
    }
    for (Index c = 0; c < k; ++c) {
        before[c] = w * (before[c] - p[c]);
        imbalance_[c] += before[c];
        b0_[c] += pull_ * before[c];
        before[c] /= static_cast<float>(ridge);
    }
    for (const RowBlock::Entry& e : row) {
        float* b = b_.data() + e.column * k;
        const float v = e.value;
#pragma omp simd
        for (Index c = 0; c < k; ++c) b[c] += v * before[c];
    }
    return 0.5 * double{w} * std::max(0.0, double{spread} - double{mean} * mean);
}

}  // namespace cycloid::bcd
