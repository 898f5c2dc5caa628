#include "cycloid/relu/robust.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "cycloid/core/parallel.hpp"
#include "monotone_root.hpp"
#include "scalar_losses.hpp"

namespace cycloid::relu {
namespace {

// The scalar loss of a margin m = y z - reach.
template <class Body>
auto with_margin_loss(LossKind kind, const Body& body) {
    if (kind == LossKind::Logistic) return body(Logistic{});
    if (kind == LossKind::SquaredHinge) return body(SquaredHinge{});
    return body(Hinge{});
}

// argmin_m step l(m) + (m - start)^2 / 2 for the label +1.
template <class Scalar>
double prox_margin(const Scalar& scalar, double step, double start) {
    return scalar.prox(step, start, 1.0);
}
double prox_margin(const Logistic&, double step, double start) {
    constexpr int most = 100;
    double m = Logistic::first(step, start);
    for (int k = 0; k < most; ++k) {
        const double move = Logistic::step(step, start, m);
        m += move;
        if (std::fabs(move) <= 1e-15 * (1 + std::fabs(m))) break;
    }
    return m;
}

}  // namespace

double Ball::dual_norm(const Eigen::Ref<const Vector>& v) const {
    return norm == Norm::Linf ? v.head(columns).lpNorm<1>() : v.head(columns).norm();
}

double Ball::norm_of(const Eigen::Ref<const Vector>& v) const {
    if (columns == 0) return 0;
    return norm == Norm::Linf ? v.head(columns).lpNorm<Eigen::Infinity>() : v.head(columns).norm();
}

void Ball::shrink(double threshold, Eigen::Ref<Vector> v) const {
    auto part = v.head(columns).array();
    if (norm == Norm::Linf) {
        part = (part - threshold).max(0.0) + (part + threshold).min(0.0);
    } else {
        const double size = v.head(columns).norm();
        part *= size > threshold ? 1 - threshold / size : 0.0;
    }
}

RobustProgram::RobustProgram(const Program& a_program, const Ball& a_ball)
    : program(a_program), ball(a_ball) {
    const Index n = program.x.rows(), count = program.blocks.count();
    group_of.resize(static_cast<std::size_t>(n));
    std::unordered_map<std::string, Index> known;
    for (Index k = 0; k < n; ++k) {
        std::string key(static_cast<std::size_t>(count), '0');
        for (Index b = 0; b < count; ++b) {
            if (program.patterns.active(k, program.blocks.pattern[b]) != 0) key[b] = '1';
        }
        const auto [at, fresh] = known.try_emplace(key, std::ssize(members));
        if (fresh) members.emplace_back();
        group_of[k] = at->second;
        members[at->second].push_back(k);
    }
    rows.resize(std::ssize(members), count);
    for (Index u = 0; u < groups(); ++u) {
        for (Index b = 0; b < count; ++b) {
            const bool on =
                program.patterns.active(members[u].front(), program.blocks.pattern[b]) != 0;
            rows(u, b) = on ? program.blocks.direction(0, b) : 0.0;
        }
    }
}

Vector RobustProgram::reach(const MatrixView& v) const {
    const Matrix b = v.topRows(ball.columns) * rows.transpose();
    Vector out(groups());
    for (Index u = 0; u < groups(); ++u) out[u] = ball.radius * ball.dual_norm(b.col(u));
    return out;
}

double RobustProgram::loss(const Vector& z, const Vector& reach) const {
    const auto& y = program.loss.targets();
    Matrix worst(z.size(), 1);
    for (Index k = 0; k < z.size(); ++k) {
        const double r = reach[group_of[k]];
        const bool up = squared() ? z[k] >= y(k, 0) : y(k, 0) < 0;
        worst(k, 0) = up ? z[k] + r : z[k] - r;
    }
    return program.loss.value(worst);
}

double RobustProgram::objective(const MatrixView& v, const RowVector& c, const MatrixView& products,
                                const Context& context) const {
    Matrix z;
    predictions(program, products, c, context, z);
    return loss(z.col(0), reach(v)) + program.alpha * penalty(v);
}

double RobustProgram::conjugate(const Vector& a, const Vector& gamma) const {
    if (!squared()) {
        for (Index u = 0; u < groups(); ++u) {
            double room = 0;
            for (const Index k : members[u]) room += std::fabs(a[k]);
            if (gamma[u] > room * (1 + 1e-12) + 1e-300) return INFINITY;
        }
        return program.loss.conjugate(a);
    }
    // sup of a_k z + gamma_k r - weight_k (|z - y_k| + r)^2 / 2 is
    // a_k y_k + max(|a_k|, gamma_k)^2 / (2 weight_k). The gamma_k share the group's gamma: those
    // that exceed |a_k| stand at one level of gamma_k / weight_k.
    const auto& y = program.loss.targets();
    const Vector& w = program.loss.weights();
    double total = 0;
    for (Index u = 0; u < groups(); ++u) {
        const auto excess = [&](double level) {
            double sum = -gamma[u], slope = 0;
            for (const Index k : members[u]) {
                const double share = level * w[k], least = std::fabs(a[k]);
                sum += std::max(share, least);
                slope += share > least ? w[k] : 0.0;
            }
            return std::pair(sum, slope);
        };
        double level = 0;
        if (excess(0).first < 0) level = monotone_root(excess, 1e-16 * gamma[u]);
        for (const Index k : members[u]) {
            if (w[k] == 0) {
                if (a[k] != 0) return INFINITY;
                continue;
            }
            const double size = std::max(level * w[k], std::fabs(a[k]));
            total += a[k] * y(k, 0) + size * size / (2 * w[k]);
        }
    }
    return total;
}

double RobustProgram::prox(Index group, double penalty, double reach, const Vector& start,
                           Vector& z) const {
    const auto& y = program.loss.targets();
    const Vector& w = program.loss.weights();
    double slope = 0;
    if (squared()) {
        for (const Index k : members[group]) {
            const double step = w[k] / penalty, r = start[k] - y(k, 0);
            const double size = std::max(0.0, std::fabs(r) - step * reach) / (1 + step);
            z[k] = y(k, 0) + std::copysign(size, r);
            slope += w[k] * (size + reach);
        }
        return slope;
    }
    with_margin_loss(program.loss.kind(), [&](const auto& scalar) {
        for (const Index k : members[group]) {
            const double from = y(k, 0) * start[k] - reach;
            const double m = prox_margin(scalar, w[k] / penalty, from);
            z[k] = y(k, 0) * (m + reach);
            slope += penalty * (m - from);
        }
    });
    return slope;
}

Matrix robust_margins(const MatrixView& x, const Mask& active, const MatrixView& points,
                      const Ball& ball, const Context& context) {
    Matrix margins(x.rows(), points.cols());
    const double work = double(x.size()) * double(points.cols());
    constexpr Index grain = 16;
    parallel_blocks(context.team(work), points.cols(), grain, [&](Index begin, Index end) {
        margins.middleCols(begin, end - begin).noalias() =
            x * points.middleCols(begin, end - begin);
        for (Index p = begin; p < end; ++p) {
            const double reach = ball.radius * ball.dual_norm(points.col(p));
            for (Index k = 0; k < x.rows(); ++k) {
                const double value = margins(k, p);
                margins(k, p) = (active(k, p) != 0 ? value : -value) - reach;
            }
        }
    });
    return margins;
}

void robust_lift(const RobustProgram& robust, const Matrix& margins, Matrix& v, Matrix& products,
                 const Context& context) {
    constexpr double rounding = 1e-14;
    const Program& program = robust.program;
    const Vector row_norms = program.x.rowwise().norm();
    Matrix generated;
    multiply(program, program.patterns.generators, context, generated);
    for (Index b = 0; b < v.cols(); ++b) {
        const double size = v.col(b).norm();
        if (size == 0) continue;
        const Index pattern = program.blocks.pattern[b];
        const double reach = robust.ball.radius * robust.ball.dual_norm(v.col(b));
        double shift = 0;
        for (Index k = 0; k < products.rows(); ++k) {
            const double sign = program.patterns.active(k, pattern) != 0 ? 1 : -1;
            const double violation = reach - sign * products(k, b);
            if (violation <= rounding * (size * row_norms[k] + reach)) continue;
            // The reach of a sum is at most the sum of the reaches.
            shift = std::max(shift,
                             margins(k, pattern) > 0 ? violation / margins(k, pattern) : INFINITY);
        }
        if (shift < INFINITY) {
            v.col(b) += shift * program.patterns.generators.col(pattern);
            products.col(b) += shift * generated.col(pattern);
        } else {
            v.col(b).setZero();
            products.col(b).setZero();
        }
    }
}

double robust_bound(const RobustProgram& robust, RobustDual& dual, const Context& context) {
    const Program& program = robust.program;
    const Ball& ball = robust.ball;
    Matrix a = dual.a;
    program.loss.to_domain(a, program.intercept);
    Vector gamma = Vector::Zero(robust.groups());
    if (ball.radius == 0) dual.b.setZero();
    for (Index u = 0; u < robust.groups() && ball.radius > 0; ++u) {
        gamma[u] = ball.norm_of(dual.b.col(u)) / ball.radius;
        if (program.loss.kind() == LossKind::Squared) continue;
        double room = 0;
        for (const Index k : robust.members[u]) room += std::fabs(a(k, 0));
        if (gamma[u] <= room) continue;
        if (ball.norm == Norm::Linf) {
            dual.b.col(u) =
                dual.b.col(u).cwiseMin(ball.radius * room).cwiseMax(-ball.radius * room);
        } else {
            dual.b.col(u) *= room / gamma[u];
        }
        gamma[u] = room;
    }
    // For every v in the cones, what multiplies v_b must not be longer than alpha once as much was
    // taken off it as the multipliers' reach allows.
    Matrix spreaded, cones, slopes;
    spread(program, a, context, spreaded);
    signed_rows(program, dual.multipliers, context, cones);
    multiply_transposed(program, cones - spreaded, context, slopes);
    slopes.topRows(ball.columns).noalias() -= dual.b * robust.rows;
    double norm = 0;
    for (Index b = 0; b < slopes.cols(); ++b) {
        ball.shrink(ball.radius * dual.multipliers.col(b).sum(), slopes.col(b));
        norm = std::max(norm, slopes.col(b).norm());
    }
    const double scale = norm > program.alpha ? program.alpha / norm : 1.0;
    dual.a = scale * a.col(0);
    dual.b *= scale;
    dual.multipliers *= scale;
    return -robust.conjugate(dual.a, scale * gamma);
}

}  // namespace cycloid::relu
