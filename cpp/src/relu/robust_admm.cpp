// Alternating directions for the robust program: a linear system that never changes, and proximal
// steps for each group's loss (its z and b at once) and each block's penalty with its cone.
#include <algorithm>
#include <cmath>

#include "acceleration.hpp"
#include "cycloid/core/parallel.hpp"
#include "cycloid/relu/robust.hpp"
#include "robust_system.hpp"

namespace cycloid::relu {
namespace {

constexpr double relaxation = 1.7;

// The t >= 0 with t = demand(size(t)), where size falls with t and demand rises with its argument:
// regula falsi (the Illinois rule) on a bracket.
template <class Size, class Demand>
double balance(const Size& size, const Demand& demand) {
    constexpr int most = 100;
    double low = 0, high = demand(size(0.0));
    if (!(high > 0)) return 0;
    double at_low = high, at_high = demand(size(high)) - high;
    if (at_high >= 0) return high;
    const double enough = 1e-15 * high;
    int side = 0;
    for (int k = 0; k < most && high - low > enough; ++k) {
        double t = (low * at_high - high * at_low) / (at_high - at_low);
        if (!(t > low && t < high)) t = low + 0.5 * (high - low);
        const double value = demand(size(t)) - t;
        if (std::fabs(value) <= enough) return t;
        if (value > 0) {
            low = t, at_low = value;
            if (side == 1) at_high *= 0.5;
            side = 1;
        } else {
            high = t, at_high = value;
            if (side == -1) at_low *= 0.5;
            side = -1;
        }
    }
    return high;
}

class RobustAdmm {
public:
    RobustAdmm(const RobustProgram& robust, const RobustOptions& options, Context context)
        : robust_(robust),
          options_(options),
          context_(context),
          weights_(choose_weights(robust)),
          system_(robust, weights_, context) {
        const Program& program = robust.program;
        margins_ = generator_margins();
        const Index n = program.x.rows(), d = program.x.cols(), count = program.blocks.count();
        value_ = {Vector::Zero(n), Matrix::Zero(d, robust.groups()), Matrix::Zero(n, count),
                  Matrix::Zero(d, count)};
        dual_ = point_ = value_;
        penalty_ = program.alpha;
    }

    Solution run(const Point& start) {
        begin(start);
        certify();
        Index next_check = 10;
        for (Index k = 1; k <= options_.max_iter && !done(); ++k) {
            if (context_.stop()) break;
            iterate();
            out_.n_iter = k;
            if (!value_.w.allFinite() || !dual_.w.allFinite()) {
                out_.status = Status::NumericalError;
                return std::move(out_);
            }
            if (k == next_check || k == options_.max_iter) {
                certify();
                if (!done()) rescale();
                next_check = k + std::max<Index>(10, k / 10);
            }
        }
        if (done()) {
            out_.status = Status::Converged;
        } else if (context_.monitor->stopped()) {
            out_.status = context_.monitor->reason();
        }
        return std::move(out_);
    }

private:
    static SplitWeights choose_weights(const RobustProgram& robust) {
        const Program& program = robust.program;
        const double row = program.x.squaredNorm() / double(program.x.rows());
        const double active = std::max(1.0, robust.rows.squaredNorm() / double(robust.groups()));
        // Found by trial: predictions held tightly, the others by their lengths.
        return {30 / (row * active), 1 / active, 1 / row, 1.0};
    }

    Matrix generator_margins() const {
        const Program& program = robust_.program;
        return robust_margins(program.x, program.patterns.active, program.patterns.generators,
                              robust_.ball, context_);
    }

    bool done() const {
        return out_.objective - out_.lower_bound <= options_.rtol * std::fabs(out_.objective);
    }

    void begin(const Point& start) {
        const Program& program = robust_.program;
        out_.objective = INFINITY;
        out_.lower_bound = -INFINITY;
        intercept_ = start.c.size() == 1 && program.intercept ? start.c[0] : 0.0;
        if (start.v.size() == 0) return;
        Matrix products, z;
        multiply(program, start.v, context_, products);
        predictions(program, products, RowVector::Constant(1, intercept_), context_, z);
        value_.z = z.col(0);
        value_.w = start.v;
        value_.b = start.v * robust_.rows.transpose();
        signed_rows(program, products, context_, value_.s);
        point_ = value_;
    }

    // One step of Douglas and Rachford's iteration on q = value + dual, the point whose proximal
    // point is `value`.
    void iterate() {
        Split& q = point_;
        last_ = value_;
        const double size = double(q.b.size()) + double(q.s.size());
        parallel_for(context_.team(50 * size), robust_.groups(), [&](Index u) { step_group(u); });
        parallel_for(context_.team(50 * size), q.w.cols(), [&](Index b) { step_block(b); });
        dual_ = {q.z - value_.z, q.b - value_.b, q.s - value_.s, q.w - value_.w};
        const Split target{value_.z - dual_.z, value_.b - dual_.b, value_.s - dual_.s,
                           value_.w - dual_.w};
        system_.solve(target, context_, image_, intercept_);
        const Vector before = pack(q);
        q.z += relaxation * (image_.z - value_.z);
        q.b += relaxation * (image_.b - value_.b);
        q.s += relaxation * (image_.s - value_.s);
        q.w += relaxation * (image_.w - value_.w);
        Vector after = pack(q);
        acceleration_.advance(before, after);
        unpack(after, q);
    }

    // As one vector, in the norm of the splits' weights.
    Vector pack(const Split& q) const {
        Vector out(q.z.size() + q.b.size() + q.s.size() + q.w.size());
        out << std::sqrt(weights_.z) * q.z, std::sqrt(weights_.b) * q.b.reshaped(),
            std::sqrt(weights_.s) * q.s.reshaped(), std::sqrt(weights_.w) * q.w.reshaped();
        return out;
    }
    void unpack(const Vector& in, Split& q) const {
        Index at = 0;
        const auto take = [&](auto& part, double weight) {
            part.reshaped() = in.segment(at, part.size()) / std::sqrt(weight);
            at += part.size();
        };
        take(q.z, weights_.z);
        take(q.b, weights_.b);
        take(q.s, weights_.s);
        take(q.w, weights_.w);
    }

    // The loss of a group, jointly in z and b: with t the multiplier of reach = radius |b|_q, b is
    // a shrunk point and z a proximal one, and t is the loss's derivative with respect to reach.
    void step_group(Index u) {
        const double pull_z = penalty_ * weights_.z, pull_b = penalty_ * weights_.b;
        const double radius = robust_.ball.radius;
        Vector b = point_.b.col(u);
        const auto size = [&](double t) {
            b = point_.b.col(u);
            robust_.ball.shrink(t / pull_b, b);
            return robust_.ball.dual_norm(b);
        };
        const auto demand = [&](double norm) {
            return radius * robust_.prox(u, pull_z, radius * norm, point_.z, value_.z);
        };
        const double reach = radius * size(balance(size, demand));
        value_.b.col(u) = b;
        robust_.prox(u, pull_z, reach, point_.z, value_.z);
    }

    // alpha |w| and the cone s >= radius |w|_q, jointly: with t the sum of the cone's multipliers
    // times radius, w is shrunk twice, from the inner norm to the outer (Jenatton et al. 2011).
    void step_block(Index j) {
        const double pull_s = penalty_ * weights_.s, pull_w = penalty_ * weights_.w;
        const double radius = robust_.ball.radius, alpha = robust_.program.alpha;
        const auto cone = point_.s.col(j).array();
        Vector w = point_.w.col(j);
        const auto size = [&](double t) {
            w = point_.w.col(j);
            robust_.ball.shrink(t / pull_w, w);
            const double norm = w.norm(), least = alpha / pull_w;
            w *= norm > least ? 1 - least / norm : 0.0;
            return robust_.ball.dual_norm(w);
        };
        const auto demand = [&](double norm) {
            return radius * pull_s * (radius * norm - cone).max(0.0).sum();
        };
        const double reach = radius * size(balance(size, demand));
        value_.w.col(j) = w;
        value_.s.col(j) = cone.max(reach);
    }

    // Bounds from both sides, of which the best are kept.
    void certify() {
        const Program& program = robust_.program;
        Matrix v = value_.w, products;
        multiply(program, v, context_, products);
        robust_lift(robust_, margins_, v, products, context_);
        const RowVector c = RowVector::Constant(1, intercept_);
        const double objective = robust_.objective(v, c, products, context_);
        if (objective < out_.objective) {
            out_.objective = objective;
            out_.point.v = std::move(v);
            out_.point.c = c;
        }
        RobustDual dual{penalty_ * weights_.z * dual_.z,
                        penalty_ * weights_.b * dual_.b.topRows(robust_.ball.columns),
                        (-penalty_ * weights_.s * dual_.s).cwiseMax(0.0)};
        const double bound = robust_bound(robust_, dual, context_);
        if (bound > out_.lower_bound) {
            out_.lower_bound = bound;
            out_.point.dual = dual.a;
            out_.point.cone_multipliers = std::move(dual.multipliers);
        }
        out_.trace.push(
            {double(out_.n_iter), context_.monitor->seconds(), out_.objective, out_.lower_bound});
        context_.monitor->report(out_.trace, out_.n_iter == 0 || done());
    }

    // The penalty is scaled so that both residuals are alike, relative to what they are residuals
    // of. The linear system does not depend on it.
    void rescale() {
        const auto norm = [&](const Split& a) {
            return std::sqrt(weights_.z * a.z.squaredNorm() + weights_.b * a.b.squaredNorm() +
                             weights_.s * a.s.squaredNorm() + weights_.w * a.w.squaredNorm());
        };
        const Split apart{image_.z - value_.z, image_.b - value_.b, image_.s - value_.s,
                          image_.w - value_.w};
        const Split moved{value_.z - last_.z, value_.b - last_.b, value_.s - last_.s,
                          value_.w - last_.w};
        const double primal = norm(apart) / std::max(norm(value_), norm(image_));
        const double dual = norm(moved) / norm(dual_);
        if (!(primal > 0 && dual > 0 && std::isfinite(primal / dual))) return;
        const double factor = std::clamp(std::sqrt(primal / dual), 0.2, 5.0);
        // Each change costs what the acceleration knows.
        if (factor > 0.35 && factor < 1 / 0.35) return;
        penalty_ *= factor;
        dual_.z /= factor;
        dual_.b /= factor;
        dual_.s /= factor;
        dual_.w /= factor;
        point_ = {value_.z + dual_.z, value_.b + dual_.b, value_.s + dual_.s, value_.w + dual_.w};
        acceleration_.forget();
    }

    const RobustProgram& robust_;
    RobustOptions options_;
    Context context_;
    SplitWeights weights_;
    RobustSystem system_;
    Matrix margins_;
    Split value_, dual_, image_, last_, point_;  // dual_ is scaled by the penalty
    Acceleration acceleration_{20, 10};
    double penalty_ = 1, intercept_ = 0;
    Solution out_;
};

}  // namespace

Solution solve_robust(const RobustProgram& robust, const Point& start, const RobustOptions& options,
                      Monitor& monitor, int n_threads) {
    return RobustAdmm(robust, options, {n_threads, &monitor}).run(start);
}

}  // namespace cycloid::relu
