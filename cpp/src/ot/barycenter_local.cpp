#include "barycenter_local.hpp"

#include <algorithm>
#include <cmath>

namespace cycloid::ot {
namespace {

constexpr double longest_step = 4;  // of one Newton step, in units of reg
constexpr double farthest = 40;     // of all steps, likewise
constexpr int most_halvings = 7;
constexpr Index most_cg = 300;
constexpr double least_damping = 1e-4, most_damping = 10;  // times the error: Newton's shift

Eigen::Map<const Eigen::ArrayXd> map(const std::vector<double>& values) {
    return {values.data(), static_cast<Eigen::Index>(values.size())};
}

}  // namespace

template <class Row>
void BarycenterLocal::apply(const Table& x, const Row& row, Table& out) const {
    const auto m = static_cast<std::size_t>(x.rows());
    each_member(context_, work_, std::ssize(members_), [&](Index k, const Context& inner) {
        members_[k].kernel.apply(
            {x.col(k).data(), m}, [&](Index i, double s) { return row(k, i, s); },
            {out.col(k).data(), m}, inner);
    });
}

BarycenterLocal::BarycenterLocal(const std::vector<Member>& members, const Context& context)
    : members_(members), context_(context), weights_(std::ssize(members)) {
    const auto count = std::ssize(members), m = std::ssize(members.front().masses.b);
    unit_ = map(members.front().masses.b);
    for (Index k = 0; k < count; ++k) {
        weights_[k] = members[k].weight;
        const Eigen::Map<const Array> a = map(members[k].masses.a);
        row_target_.emplace_back(a);
        y_.emplace_back(a);
        s_.emplace_back(a);
        work_ += 2 * members[k].kernel.stored();
    }
    z_ = Table::Zero(m, count);
    x_ = unit_.replicate(1, count);
    sums_.resize(m, count), plain_.resize(m, count), diagonal_.resize(m, count);
    apply(
        x_,
        [&](Index k, Index i, double s) {
            s_[k][i] = s;
            return y_[k][i];
        },
        sums_);
    sums_ *= x_;
    columns_.resize(m, count);
    for (Index k = 0; k < count; ++k) {
        row_target_[k] *= s_[k];
        columns_.col(k) = map(members[k].point.column_sums);
    }
    left_out_ = columns_ - sums_;
    plain_ = columns_.log();
    plain_ = mix(plain_, weights_).replicate(1, count) - plain_;
    active_ = (sums_ > 0.5 * columns_).rowwise().all().cast<double>();
    inactive_mass_ = ((1 - active_) * mix(columns_, weights_)).sum();
    assess();
}

void BarycenterLocal::evaluate() {
    x_ = z_.exp().colwise() * unit_;
    apply(
        x_,
        [&](Index k, Index i, double s) {
            s_[k][i] = s;
            return y_[k][i] = s > 0 ? row_target_[k][i] / s : 0;
        },
        sums_);
    sums_ *= x_;
    columns_ = sums_ + left_out_;
    assess();
}

// The error and the dual objective.
void BarycenterLocal::assess() {
    const Array mean = mix(columns_, weights_);
    error_ = 0, objective_ = 0;
    for (Index k = 0; k < columns_.cols(); ++k) {
        error_ += weights_[k] * (active_ * (columns_.col(k) - mean).abs()).sum();
        const double logs = (s_[k] > 0).select(row_target_[k] * s_[k].log(), 0.0).sum();
        objective_ -= weights_[k] * (logs + (left_out_.col(k) * z_.col(k)).sum());
    }
}

Eigen::ArrayXXd BarycenterLocal::step() const {
    Table z = z_;
    for (Index j = 0; j < z.rows(); ++j) {
        if (active_[j] == 0) z.row(j) = plain_.row(j);
    }
    return z;
}

// Benamou et al. 2015, section 3.2, relaxed in both of its projections.
void BarycenterLocal::scale(double target, Index most, Relaxation& relaxation, Effort& effort) {
    relaxation.restart(error_);
    double best = error_;
    Index since_best = 0;
    for (Index n = 0; n < most && error_ > target && !stale() && !context_.stop(); ++n) {
        const double omega = relaxation.omega();
        apply(
            x_,
            [&](Index k, Index i, double s) {
                if (!(s > 0)) return 0.0;
                double& y = y_[k][i];
                s_[k][i] = y * s - row_target_[k][i];
                const double ratio = row_target_[k][i] / (y * s);
                return y *= omega == 1 ? ratio : std::pow(ratio, omega);
            },
            sums_);
        columns_ = sums_ * x_ + left_out_;
        const Array mean = mix(columns_, weights_);
        const Table logs = columns_.max(1e-300).log();
        const Array log_b = mix(logs, weights_);
        error_ = 0;
        for (Index k = 0; k < columns_.cols(); ++k) {
            const double apart = (active_ * (columns_.col(k) - mean).abs()).sum();
            error_ += weights_[k] * (s_[k].abs().sum() + apart);
            z_.col(k) += (active_ > 0).select(omega * (log_b - logs.col(k)), 0.0);
        }
        x_ = z_.exp().colwise() * unit_;
        relaxation.observe(error_);
        ++effort.sweeps;
        since_best = error_ < 0.9 * best ? 0 : since_best + 1;
        best = std::min(best, error_);
        // Over-relaxation may first raise the error, for the longer the stronger it is.
        if (static_cast<double>(since_best) > 20 + 10 / (2 - omega)) break;
    }
}

void BarycenterLocal::newton(double target, Index most, double& damping, Effort& effort) {
    for (Index n = 0; n < most && error_ > target && !stale() && !context_.stop(); ++n) {
        ++effort.newton;
        if (!newton_step(damping, effort)) break;
        project();
    }
}

// One plain projection. Columns of little mass that differ between the members by orders of
// magnitude are far from where they are linear, and it takes the logarithm.
void BarycenterLocal::project() {
    const Table logs = columns_.max(1e-300).log();
    const Array log_b = mix(logs, weights_);
    for (Index k = 0; k < z_.cols(); ++k) {
        z_.col(k) += (active_ > 0).select(log_b - logs.col(k), 0.0);
    }
    evaluate();
}

// Whether what the kernels leave out may have grown to the size of the error.
bool BarycenterLocal::stale() const {
    if (z_.abs().maxCoeff() > farthest) return true;
    double grown = 0;
    for (Index k = 0; k < z_.cols(); ++k) {
        if (members_[k].storage == Storage::Dense) continue;  // lacks digits, not entries
        grown += weights_[k] * (left_out_.col(k).max(0.0) * (z_.col(k).abs().exp() - 1)).sum();
    }
    return grown > error_;
}

// One step with backtracking; false if no length of it helped.
bool BarycenterLocal::newton_step(double& damping, Effort& effort) {
    Table direction = conjugate_gradients(std::min(0.1, error_), damping, effort);
    const double longest = direction.abs().maxCoeff();
    if (!(longest > 0) || !std::isfinite(longest)) return false;
    damping = longest > longest_step ? std::min(4 * damping, most_damping)
                                     : std::max(damping / 4, least_damping);
    direction = direction.min(longest_step).max(-longest_step);
    direction.colwise() -= mix(direction, weights_);
    const double before = error_, objective = objective_, slope = -inner(columns_, direction);
    const Table from = z_;
    double length = 1;
    for (int n = 0; n < most_halvings; ++n, length *= 0.5) {
        z_ = from + length * direction;
        evaluate();
        // Near the optimum rounding hides what the objective gains, but not what the error loses.
        if (objective_ > objective + 1e-4 * length * slope || error_ < before) return true;
        if (context_.stop()) break;
    }
    z_ = from;
    evaluate();
    return false;
}

double BarycenterLocal::inner(const Table& u, const Table& v) const {
    return ((u * v).colwise().sum().transpose() * weights_).sum();
}

// L_k z_k + lambda = -columns_k with sum_k w_k z_k = 0, by conjugate gradients that stay in that
// space; L_k = diag(sums) - P_k' diag(1 / P_k 1) P_k + shift. lambda is the next barycenter.
BarycenterLocal::Table BarycenterLocal::conjugate_gradients(double tolerance, double damping,
                                                            Effort& effort) {
    const Index m = z_.rows(), count = z_.cols();
    const double shift = damping * std::min(error_, 1e-2);
    const Array mean = mix(columns_, weights_);
    Table own = sums_.colwise() + shift * mean;
    std::vector<Array> weight(static_cast<std::size_t>(count));
    each_member(context_, work_, count, [&](Index k, const Context& inner_context) {
        weight[k] = (s_[k] > 0).select(y_[k] / s_[k], 0.0);
        const auto size = static_cast<std::size_t>(m), n = static_cast<std::size_t>(s_[k].size());
        members_[k].kernel.spread({x_.col(k).data(), size}, {weight[k].data(), n},
                                  {s_[k].data(), n}, {diagonal_.col(k).data(), size},
                                  inner_context);
    });
    diagonal_ = (x_ * diagonal_).max(1e-12 * sums_).colwise() + shift * mean;
    Table r = -(columns_.colwise() - mean), scaled = precondition(r), p = scaled;
    Table direction = Table::Zero(m, count), product(m, count);
    double rho = inner(r, scaled);
    const double enough = tolerance * tolerance * rho;
    for (Index n = 0; n < most_cg && rho > enough && !context_.stop(); ++n) {
        const Table moved = x_ * p;
        apply(moved, [&](Index k, Index i, double s) { return weight[k][i] * s; }, product);
        product = own * p - x_ * product;
        const double bend = inner(p, product);
        if (!(bend > 0)) break;
        const double length = rho / bend;
        direction += length * p;
        r -= length * product;
        scaled = precondition(r);
        const double next = inner(r, scaled);
        p = scaled + (next / rho) * p;
        rho = next;
        ++effort.cg;
    }
    return direction;
}

// The same system with the diagonals in the place of L_k.
BarycenterLocal::Table BarycenterLocal::precondition(const Table& r) const {
    const Table inverse =
        (active_.replicate(1, r.cols()) > 0).select(diagonal_.max(1e-290).inverse(), 0.0);
    Table y = r * inverse;
    const Array total = mix(inverse, weights_);
    const Array lambda = mix(y, weights_) / total.max(1e-290);
    y -= inverse.colwise() * lambda;
    return y;
}

}  // namespace cycloid::ot
