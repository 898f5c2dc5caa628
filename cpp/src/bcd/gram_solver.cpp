#include "cycloid/bcd/gram_solver.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "add_columns.hpp"
#include "cycloid/bcd/proximal_point.hpp"
#include "cycloid/core/cholesky.hpp"
#include "cycloid/core/parallel.hpp"

namespace cycloid::bcd {
namespace {

constexpr Index block_size = 32;
constexpr int local_passes = 3;
// What an ordinary system needs at most: beyond, proximal steps are faster.
constexpr Index few_newton = 8, few_epochs = 60;
// Pivots below this share of their diagonal entry are noise.
template <class Real>
constexpr Real pivot_floor = Real(512) * std::numeric_limits<Real>::epsilon();

}  // namespace

double largest_violation(std::span<const Penalty> penalty, const double* slope, const double* b) {
    double largest = 0;
    for (std::size_t k = 0; k < penalty.size(); ++k) {
        largest = std::max(largest, penalty[k].violation(slope[k], b[k]));
    }
    return largest;
}

template <class Real>
void GramSolver<Real>::solve(const Matrix& gram, std::span<const Penalty> penalty, Vector b,
                             Vector slope, const Visit& visit, const Context& context,
                             Effort& effort) {
    const Index m = b.size();
    order_.resize(static_cast<std::size_t>(m));
    std::iota(order_.begin(), order_.end(), Index{0});
    if (!visit.same_system) factored_.clear();
    imprecise_ = false;
    Index since_newton = 0, barren = 0;
    const Index first_newton = effort.newton;
    double best = largest_violation(penalty, slope.data(), b.data());
    for (Index epoch = 0; epoch < visit.max_epochs && !imprecise_ && !context.stop(); ++epoch) {
        const bool moved = sweep(gram, penalty, b, slope, visit, context);
        ++effort.epochs;
        ++since_newton;
        double violation = largest_violation(penalty, slope.data(), b.data());
        if (!(violation > visit.tolerance)) return;
        // A factorization of the support costs s^3 / 3 fast operations, a sweep 2 m s slow ones.
        Index support = 0;
        for (Index k = 0; k < m; ++k) support += b[k] != 0;
        const Index patience = std::clamp<Index>(support * support / (90 * m), 1, 50);
        if (support_changes_ == 0 || since_newton >= patience) {
            since_newton = 0;
            // Signs that change on the way leave the support one step after the other; go on until
            // a full step lands on the minimizer of what is left (as long as factorizations are
            // cheap).
            const Index steps = std::max<Index>(1, 40000000 / (support * support * support + 1));
            Step outcome = Step::Truncated;
            for (Index k = 0; k < std::min(steps, support + 1); ++k) {
                outcome = newton(gram, penalty, b, slope, context);
                ++effort.newton;
                if (outcome != Step::Truncated || imprecise_) break;
            }
            violation = largest_violation(penalty, slope.data(), b.data());
            if (!(violation > visit.tolerance)) return;
            if (raised_ > 0 || effort.newton - first_newton > few_newton || epoch >= few_epochs) {
                if constexpr (std::is_same_v<Real, float>) {
                    imprecise_ = true;
                } else {
                    ProximalPoint().solve(gram, penalty, b, slope, visit.tolerance, context,
                                          effort);
                }
                return;
            }
            if (outcome == Step::None && !moved) return;
        }
        // Rounding sets a floor under the violation: leave when nothing has improved for long.
        barren = violation < 0.9 * best ? 0 : barren + 1;
        best = std::min(best, violation);
        if (barren > 100) return;
    }
}

template <class Real>
bool GramSolver<Real>::sweep(const Matrix& gram, std::span<const Penalty> penalty, Vector& b,
                             Vector& slope, const Visit& visit, const Context& context) {
    const Index m = b.size();
    if (visit.order != nullptr) visit.order->shuffle(std::span<Index>(order_));
    support_changes_ = 0;
    bool moved = false;
    for (Index begin = 0; begin < m; begin += block_size) {
        const auto width = static_cast<std::size_t>(std::min(block_size, m - begin));
        const std::span<const Index> ks(order_.data() + begin, width);
        const bool wants = std::any_of(ks.begin(), ks.end(), [&](Index k) {
            return penalty[k].violation(slope[k], b[k]) > 0;
        });
        if (wants) moved |= relax_block(gram, penalty, ks, b, slope, context);
    }
    return moved;
}

// A few passes of coordinate descent within the block on a local copy of its Gram matrix, then one
// update of all slopes.
template <class Real>
bool GramSolver<Real>::relax_block(const Matrix& gram, std::span<const Penalty> penalty,
                                   std::span<const Index> ks, Vector& b, Vector& slope,
                                   const Context& context) {
    const auto width = static_cast<Index>(ks.size());
    local_.resize(block_size, block_size);
    double before[block_size], now[block_size], local_slope[block_size];
    for (Index c = 0; c < width; ++c) {
        const Real* column = gram.col(ks[c]).data();
        for (Index r = 0; r < width; ++r) local_(r, c) = column[ks[r]];
        before[c] = now[c] = b[ks[c]];
        local_slope[c] = slope[ks[c]];
    }
    for (int pass = 0; pass < local_passes; ++pass) {
        bool again = false;
        for (Index c = 0; c < width; ++c) {
            const double curvature = local_(c, c), old = now[c];
            const double updated = penalty[ks[c]].prox(local_slope[c] + curvature * old, curvature);
            const double step = updated - old;
            if (step == 0) continue;
            now[c] = updated;
            again = true;
            const double* column = local_.col(c).data();
            for (Index r = 0; r < width; ++r) local_slope[r] -= step * column[r];
        }
        if (!again) break;
    }
    moved_.clear();
    shift_.resize(block_size);
    for (Index c = 0; c < width; ++c) {
        if (now[c] == before[c]) continue;
        support_changes_ += (now[c] == 0) != (before[c] == 0);
        shift_[static_cast<Index>(moved_.size())] = before[c] - now[c];
        moved_.push_back(ks[c]);
        b[ks[c]] = now[c];
    }
    if (moved_.empty()) return false;
    add_columns(gram, moved_, shift_.data(), slope.data(), context);
    return true;
}

// One Newton step on the support: the full step if signs hold, else the projected step, shortened
// until the objective falls, and at last the step to the first sign change (always a descent).
template <class Real>
auto GramSolver<Real>::newton(const Matrix& gram, std::span<const Penalty> penalty, Vector& b,
                              Vector& slope, const Context& context) -> Step {
    support_.clear();
    for (Index k = 0; k < b.size(); ++k) {
        if (b[k] != 0 || (penalty[k].free() && gram(k, k) > 0)) support_.push_back(k);
    }
    const auto s = static_cast<Index>(support_.size());
    if (s == 0 || !factorize(gram, penalty, context)) return Step::None;
    direction_.resize(s);
    for (Index c = 0; c < s; ++c) {
        const Index k = support_[c];
        const double sign = b[k] > 0 ? 1.0 : -1.0;
        direction_[c] = slope[k] - penalty[k].slope(b[k], sign);
    }
    const double before = direction_.cwiseAbs().maxCoeff();
    Eigen::Vector<Real, Eigen::Dynamic> solution = direction_.template cast<Real>();
    cholesky_solve(factor_.topLeftCorner(s, s), solution);
    direction_ = solution.template cast<double>();
    if (!direction_.allFinite()) return Step::None;
    // In a singular system the direction runs far along the null space: only its first sign change
    // is worth anything.
    if (raised_ == 0) {
        for (const double step : {1.0, 0.5, 0.25, 0.125}) {
            const Step outcome = try_step(gram, penalty, b, slope, step, false, context);
            if (outcome == Step::None) continue;
            imprecise_ |= outcome == Step::Full && std::is_same_v<Real, float> &&
                          support_violation(penalty, b, slope) > 0.1 * before;
            return outcome;
        }
    }
    return try_step(gram, penalty, b, slope, 1.0, true, context);
}

// The factor of the support's matrix, unless it is there already.
template <class Real>
bool GramSolver<Real>::factorize(const Matrix& gram, std::span<const Penalty> penalty,
                                 const Context& context) {
    if (support_ == factored_) return true;
    const auto s = static_cast<Index>(support_.size());
    if (factor_.rows() < s) factor_.resize(s + s / 4, s + s / 4);
    auto factor = factor_.topLeftCorner(s, s);
    parallel_blocks(context.team(double(s) * double(s)), s, 64, [&](Index begin, Index end) {
        for (Index c = begin; c < end; ++c) {
            const Real* column = gram.col(support_[c]).data();
            for (Index r = c; r < s; ++r) factor(r, c) = column[support_[r]];
            factor(c, c) += static_cast<Real>(penalty[support_[c]].l2);
        }
    });
    factored_.clear();
    raised_ = cholesky(factor, pivot_floor<Real>, context);
    if (raised_ < 0) return false;
    imprecise_ |= raised_ > 0 && std::is_same_v<Real, float>;
    if (imprecise_) return false;
    factored_ = support_;
    return true;
}

template <class Real>
double GramSolver<Real>::support_violation(std::span<const Penalty> penalty, const Vector& b,
                                           const Vector& slope) const {
    double largest = 0;
    for (const Index k : support_) {
        largest = std::max(largest, penalty[k].violation(slope[k], b[k]));
    }
    return largest;
}

// Moves b along the direction (clipped at zero where a sign would change) if the objective falls.
template <class Real>
auto GramSolver<Real>::try_step(const Matrix& gram, std::span<const Penalty> penalty, Vector& b,
                                Vector& slope, double step, bool to_boundary,
                                const Context& context) -> Step {
    const auto s = static_cast<Index>(support_.size());
    if (to_boundary) {
        for (Index c = 0; c < s; ++c) {
            const Index k = support_[c];
            if (!penalty[k].free() && b[k] * direction_[c] < 0) {
                step = std::min(step, -b[k] / direction_[c]);
            }
        }
    }
    shift_.resize(s);
    bool full = step == 1.0;
    for (Index c = 0; c < s; ++c) {
        const Index k = support_[c];
        const double target = b[k] + step * direction_[c];
        const bool crosses = !penalty[k].free() && target * b[k] <= 1e-15 * b[k] * b[k];
        shift_[c] = crosses ? -b[k] : target - b[k];
        full &= !crosses;
    }
    image_.setZero(b.size());
    add_columns(gram, support_, shift_.data(), image_.data(), context);
    double change = 0, scale = 0, reference = 0;
    for (Index c = 0; c < s; ++c) {
        const Index k = support_[c];
        const double linear = slope[k] * shift_[c], bend = 0.5 * shift_[c] * image_[k];
        const double pen = penalty[k].change(b[k], shift_[c]);
        change += bend - linear + pen;
        scale += std::fabs(linear) + std::fabs(bend) + std::fabs(pen);
        reference += std::fabs(slope[k] * b[k]);
    }
    // A fall counts only above its own rounding; near the optimum a small step is a refinement.
    const bool falls = change < -1e-12 * scale;
    const bool refines = scale <= 1e-6 * reference && change <= 1e-14 * reference;
    if (!falls && !refines) return Step::None;
    for (Index c = 0; c < s; ++c) b[support_[c]] += shift_[c];
    slope -= image_;
    return full ? Step::Full : Step::Truncated;
}

template class GramSolver<float>;
template class GramSolver<double>;

}  // namespace cycloid::bcd
