#include "cycloid/bcd/residual_solver.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "cycloid/core/parallel.hpp"

namespace cycloid::bcd {
namespace {

constexpr Index column_grain = 512;
constexpr Index conjugate_steps = 60;
constexpr Index unsettled_sweeps = 10;  // of the support, while it still changes

}  // namespace

ResidualSolver::ResidualSolver(const ColumnBlock& block, std::span<const double> h, bool intercept,
                               const Context& context)
    : x_(block),
      h_(h),
      intercept_(intercept),
      mean_(block.n_columns),
      curvature_(block.n_columns),
      all_(block.n_columns) {
    std::iota(all_.begin(), all_.end(), Index{0});
    uniform_ = std::all_of(h.begin(), h.end(), [&](double v) { return v == h[0]; });
    for (const double v : h) total_ += v;
    const int team = context.team(static_cast<double>(x_.values.size()));
    parallel_blocks(team, x_.n_columns, column_grain, [&](Index begin, Index end) {
        for (Index k = begin; k < end; ++k) {
            double sum = 0, square = 0;
            if (x_.sparse) {
                for (Index q = x_.starts[k]; q < x_.starts[k + 1]; ++q) {
                    const double hv = h_[x_.rows[q]] * x_.values[q];
                    sum += hv;
                    square += hv * x_.values[q];
                }
            } else {
                const double* x = x_.values.data() + k * x_.n_rows;
#pragma omp simd reduction(+ : sum, square)
                for (Index i = 0; i < x_.n_rows; ++i) {
                    sum += h_[i] * x[i];
                    square += h_[i] * x[i] * x[i];
                }
            }
            mean_[k] = intercept_ ? sum / total_ : 0.0;
            curvature_[k] = std::max(square - mean_[k] * (intercept_ ? sum : 0.0), 0.0);
        }
    });
}

double ResidualSolver::dot(Index k, const double* v) const {
    double sum = 0;
    if (x_.sparse) {
        double odd = 0;
        Index q = x_.starts[k];
        const Index end = x_.starts[k + 1];
        for (; q + 2 <= end; q += 2) {
            sum += v[x_.rows[q]] * x_.values[q];
            odd += v[x_.rows[q + 1]] * x_.values[q + 1];
        }
        if (q < end) sum += v[x_.rows[q]] * x_.values[q];
        return sum + odd;
    }
    const double* x = x_.values.data() + k * x_.n_rows;
#pragma omp simd reduction(+ : sum)
    for (Index i = 0; i < x_.n_rows; ++i) sum += v[i] * x[i];
    return sum;
}

// x_k' (u + drift h), the column centred: sum(u + drift h) is zero, so its own mean drops out.
double ResidualSolver::slope(Index k, std::span<const double> u) const {
    return dot(k, u.data()) + drift_ * mean_[k] * total_;
}

// One pass over ks; returns the largest violation met.
double ResidualSolver::sweep(std::span<const Penalty> penalty, std::span<double> b,
                             std::span<double> u, std::span<const Index> ks,
                             const Context& context) {
    double largest = 0;
    support_changed_ = false;
    std::size_t visited = 0;
    for (const Index k : ks) {
        if ((++visited & 0xfff) == 0 && context.stop()) break;
        const double s = slope(k, u), old = b[k];
        largest = std::max(largest, penalty[k].violation(s, old));
        const double updated = penalty[k].prox(s + curvature_[k] * old, curvature_[k]);
        const double step = updated - old;
        if (step == 0) continue;
        b[k] = updated;
        support_changed_ |= (updated == 0) != (old == 0);
        drift_ += step * mean_[k];
        if (x_.sparse) {
            if (uniform_) {
                const double scaled = step * h_[0];
                for (Index q = x_.starts[k]; q < x_.starts[k + 1]; ++q) {
                    u[x_.rows[q]] -= scaled * x_.values[q];
                }
            } else {
                for (Index q = x_.starts[k]; q < x_.starts[k + 1]; ++q) {
                    const auto i = x_.rows[q];
                    u[i] -= step * h_[i] * x_.values[q];
                }
            }
        } else {
            const double* x = x_.values.data() + k * x_.n_rows;
#pragma omp simd
            for (Index i = 0; i < x_.n_rows; ++i) u[i] -= step * h_[i] * x[i];
        }
    }
    return largest;
}

// Writes the drift into u.
void ResidualSolver::settle(std::span<double> u) {
    if (drift_ == 0) return;
    for (std::size_t i = 0; i < u.size(); ++i) u[i] += drift_ * h_[i];
    drift_ = 0;
}

void ResidualSolver::solve(std::span<const Penalty> penalty, std::span<double> b,
                           std::span<double> u, const Visit& visit, const Context& context,
                           Effort& effort) {
    std::vector<Index> active;
    Index barren = 0, patience = Anderson::window + 1;
    const Index limit = effort.epochs + visit.max_epochs;
    double best = INFINITY;
    while (effort.epochs < limit && !context.stop()) {
        if (visit.order != nullptr) visit.order->shuffle(std::span<Index>(all_));
        const double violation = sweep(penalty, b, u, all_, context);
        ++effort.epochs;
        if (!(violation > visit.tolerance)) break;
        const bool settled = !support_changed_;
        active.clear();
        for (const Index k : all_) {
            if (b[k] != 0 || penalty[k].free()) active.push_back(k);
        }
        // The support alone for a while: it is a small part of the working set.
        const double goal = std::max(visit.tolerance, 0.1 * violation);
        const Index most = std::min(settled ? patience : unsettled_sweeps, limit - effort.epochs);
        const double within = relax(penalty, b, u, active, most, goal, context, effort);
        if (settled && within > goal) {
            const double reduction = 0.1 * visit.tolerance / within;
            newton(penalty, b, u, std::max(reduction, 1e-10), context);
            ++effort.newton;
            if (!whole_) patience *= 2;
        }
        barren = violation < 0.9 * best ? 0 : barren + 1;
        best = std::min(best, violation);
        if (barren > 50) break;
    }
    settle(u);
}

// At most so many sweeps over ks, extrapolated; returns the largest violation met in the last one.
double ResidualSolver::relax(std::span<const Penalty> penalty, std::span<double> b,
                             std::span<double> u, std::span<const Index> ks, Index most,
                             double goal, const Context& context, Effort& effort) {
    double violation = INFINITY;
    anderson_.forget();
    remember(b, u, ks);
    for (Index k = 0; k < most && violation > goal && !context.stop(); ++k) {
        violation = sweep(penalty, b, u, ks, context);
        ++effort.epochs;
        remember(b, u, ks);
        extrapolate(penalty, b, u, ks);
    }
    return violation;
}

void ResidualSolver::remember(std::span<const double> b, std::span<double> u,
                              std::span<const Index> ks) {
    settle(u);
    part_.resize(static_cast<Index>(ks.size()));
    for (std::size_t c = 0; c < ks.size(); ++c) part_[c] = b[ks[c]];
    anderson_.remember(part_, Eigen::Map<const Eigen::VectorXd>(u.data(), x_.n_rows));
}

// Moves to the extrapolated point if the objective is lower there.
void ResidualSolver::extrapolate(std::span<const Penalty> penalty, std::span<double> b,
                                 std::span<double> u, std::span<const Index> ks) {
    if (!anderson_.extrapolate(part_, image_of_part_)) return;
    double change = 0;
    for (std::size_t c = 0; c < ks.size(); ++c) {
        const Index k = ks[c];
        if (penalty[k].positive && part_[c] < 0) return;
        change += penalty[k].change(b[k], part_[c] - b[k]);
    }
    // The smooth part is sum_i u_i^2 / (2 h_i) up to a constant.
    for (std::size_t i = 0; i < u.size(); ++i) {
        const double v = image_of_part_[i];
        if (h_[i] > 0) change += (v - u[i]) * (v + u[i]) / (2 * h_[i]);
    }
    if (!(change < 0)) return;
    for (std::size_t c = 0; c < ks.size(); ++c) b[ks[c]] = part_[c];
    for (std::size_t i = 0; i < u.size(); ++i) u[i] = image_of_part_[i];
}

// t = X_ks coef, centred under h when there is an intercept.
void ResidualSolver::image(std::span<const Index> ks, const double* coef, std::vector<double>& t,
                           const Context& context) const {
    t.assign(static_cast<std::size_t>(x_.n_rows), 0.0);
    double offset = 0;
    for (std::size_t c = 0; c < ks.size(); ++c) {
        const Index k = ks[c];
        const double v = coef[c];
        if (v == 0) continue;
        if ((c & 0xfff) == 0 && context.stop()) return;
        offset += v * mean_[k];
        if (x_.sparse) {
            for (Index q = x_.starts[k]; q < x_.starts[k + 1]; ++q) {
                t[x_.rows[q]] += v * x_.values[q];
            }
        } else {
            const double* x = x_.values.data() + k * x_.n_rows;
#pragma omp simd
            for (Index i = 0; i < x_.n_rows; ++i) t[i] += v * x[i];
        }
    }
    if (offset != 0) {
        for (double& v : t) v -= offset;
    }
}

// out = X_ks' (h t) for a centred t.
void ResidualSolver::pull_back(std::span<const Index> ks, const std::vector<double>& t, double* out,
                               const Context& context) const {
    std::vector<double> weighted(t.size());
    for (std::size_t i = 0; i < t.size(); ++i) weighted[i] = h_[i] * t[i];
    parallel_blocks(context.team(static_cast<double>(x_.values.size())),
                    static_cast<Index>(ks.size()), column_grain, [&](Index begin, Index end) {
                        for (Index c = begin; c < end; ++c) out[c] = dot(ks[c], weighted.data());
                    });
}

// Conjugate gradients (Jacobi preconditioner) for the Newton system on the support, then the
// projected step as in GramSolver::newton.
bool ResidualSolver::newton(std::span<const Penalty> penalty, std::span<double> b,
                            std::span<double> u, double reduction, const Context& context) {
    settle(u);
    support_.clear();
    for (const Index k : all_) {
        if ((b[k] != 0 || penalty[k].free()) && curvature_[k] + penalty[k].l2 > 0) {
            support_.push_back(k);
        }
    }
    std::sort(support_.begin(), support_.end());
    const std::size_t s = support_.size();
    if (s == 0) return false;
    direction_.assign(s, 0.0), residual_.resize(s), conjugate_.resize(s), image_.resize(s);
    std::vector<double> linear(s);
    double rho = 0;
    for (std::size_t c = 0; c < s; ++c) {
        const Index k = support_[c];
        linear[c] = slope(k, u);
        residual_[c] = linear[c] - penalty[k].slope(b[k], b[k] > 0 ? 1.0 : -1.0);
        conjugate_[c] = residual_[c] / (curvature_[k] + penalty[k].l2);
        rho += residual_[c] * conjugate_[c];
    }
    const double target = rho * reduction * reduction;
    for (Index step = 0; step < conjugate_steps && rho > target && !context.stop(); ++step) {
        image(support_, conjugate_.data(), t_, context);
        pull_back(support_, t_, image_.data(), context);
        double bend = 0;
        for (std::size_t c = 0; c < s; ++c) {
            image_[c] += penalty[support_[c]].l2 * conjugate_[c];
            bend += conjugate_[c] * image_[c];
        }
        if (!(bend > 0)) break;
        const double length = rho / bend;
        double next = 0;
        for (std::size_t c = 0; c < s; ++c) {
            const Index k = support_[c];
            direction_[c] += length * conjugate_[c];
            residual_[c] -= length * image_[c];
            image_[c] = residual_[c] / (curvature_[k] + penalty[k].l2);
            next += residual_[c] * image_[c];
        }
        for (std::size_t c = 0; c < s; ++c) {
            conjugate_[c] = image_[c] + next / rho * conjugate_[c];
        }
        rho = next;
    }
    std::vector<double> shift(s);
    whole_ = false;
    for (const double step : {1.0, 0.5, 0.25, 0.125, 0.03125}) {
        double change = 0, scale = 0;
        for (std::size_t c = 0; c < s; ++c) {
            const Index k = support_[c];
            const double moved = b[k] + step * direction_[c];
            shift[c] = !penalty[k].free() && moved * b[k] <= 0 ? -b[k] : moved - b[k];
            const double pen = penalty[k].change(b[k], shift[c]);
            change += pen - linear[c] * shift[c];
            scale += std::fabs(pen) + std::fabs(linear[c] * shift[c]);
        }
        image(support_, shift.data(), t_, context);
        double bend = 0;
        for (std::size_t i = 0; i < t_.size(); ++i) bend += 0.5 * h_[i] * t_[i] * t_[i];
        if (!(change + bend <= 1e-14 * (scale + bend))) continue;
        for (std::size_t c = 0; c < s; ++c) b[support_[c]] += shift[c];
        for (std::size_t i = 0; i < t_.size(); ++i) u[i] -= h_[i] * t_[i];
        whole_ = step == 1.0;
        return true;
    }
    return false;
}

}  // namespace cycloid::bcd
