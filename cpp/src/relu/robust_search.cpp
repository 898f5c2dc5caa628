// A local search for neurons whose robust cones are worth having: the robust loss of a network as
// if its patterns were the same over each ball, and a penalty that makes them so.
#include <algorithm>
#include <cmath>

#include "cycloid/core/parallel.hpp"
#include "cycloid/core/random.hpp"
#include "cycloid/relu/robust.hpp"

namespace cycloid::relu {
namespace {

// d |v|_q / dv of the perturbed coordinates, zero elsewhere.
Vector slope_of_norm(const Ball& ball, const Eigen::Ref<const Vector>& v) {
    Vector out = Vector::Zero(v.size());
    const auto part = v.head(ball.columns);
    if (ball.norm == Norm::Linf) {
        out.head(ball.columns) = part.cwiseSign();
    } else if (const double size = part.norm(); size > 0) {
        out.head(ball.columns) = part / size;
    }
    return out;
}

// Adam (Kingma & Ba, ICLR 2015) with a rate that falls to zero.
class Adam {
public:
    Adam(Index size, double rate) : rate_(rate), mean_(Vector::Zero(size)), square_(mean_) {}

    void step(const Vector& gradient, double progress, Vector& x) {
        constexpr double keep_mean = 0.9, keep_square = 0.99;
        ++count_;
        mean_ = keep_mean * mean_ + (1 - keep_mean) * gradient;
        square_ = keep_square * square_ + (1 - keep_square) * gradient.cwiseAbs2();
        const double rate = rate_ * (1 - progress) / (1 - std::pow(keep_mean, count_));
        const double unbiased = 1 - std::pow(keep_square, count_);
        x.array() -= rate * mean_.array() / ((square_.array() / unbiased).sqrt() + 1e-12);
    }

private:
    double rate_;
    double count_ = 0;
    Vector mean_, square_;
};

class RobustSearch {
public:
    RobustSearch(const MatrixView& x, const Loss& loss, double alpha, bool intercept,
                 const Ball& ball, const Context& context)
        : x_(x),
          loss_(loss),
          alpha_(alpha),
          intercept_(intercept),
          ball_(ball),
          context_(context) {}

    Network run(Index neurons, Index max_iter, std::uint64_t seed) {
        const Index d = x_.cols();
        Vector at((d + 1) * neurons + 1), gradient(at.size());
        begin(at, neurons, seed);
        const double size = std::sqrt(at.squaredNorm() / double(at.size()));
        Adam adam(at.size(), 0.05 * size);
        for (Index k = 0; k < max_iter && !context_.stop(); ++k) {
            const double progress = double(k) / double(max_iter);
            // Patterns may change at first, and are made to hold towards the end.
            differentiate(at, neurons, 0.1 * std::pow(100.0, progress), gradient);
            adam.step(gradient, progress, at);
        }
        Network out{at.head(d * neurons).reshaped(d, neurons),
                    at.segment(d * neurons, neurons).transpose(),
                    RowVector::Constant(1, at[at.size() - 1])};
        return out;
    }

private:
    // Normals of hyperplanes between two random rows, of alternating sign.
    void begin(Vector& at, Index neurons, std::uint64_t seed) const {
        Random random(seed);
        const auto n = static_cast<std::uint64_t>(x_.rows());
        const Index d = x_.cols();
        const double row = x_.rowwise().norm().mean();
        for (Index j = 0; j < neurons; ++j) {
            const Vector from = x_.row(static_cast<Index>(random.below(n)));
            const Vector to = x_.row(static_cast<Index>(random.below(n)));
            Vector u = to - from;
            const Vector middle = from + random.uniform() * u;
            if (d > ball_.columns) {  // the bias sees to it that the hyperplane passes there
                const double bias = middle.tail(d - ball_.columns).squaredNorm();
                if (bias > 0) {
                    u.tail(d - ball_.columns) =
                        -u.dot(middle) / bias * middle.tail(d - ball_.columns);
                }
            }
            const double length = u.norm();
            const double scale = 1 / std::sqrt(row * double(neurons));
            at.segment(j * d, d) = length > 0 ? Vector(scale / length * u) : Vector::Zero(d);
            at[neurons * d + j] = j % 2 == 0 ? scale : -scale;
        }
        at[at.size() - 1] = 0;
    }

    // The gradient of the robust loss, alpha / 2 |.|^2, and `strictness` times the mean depth by
    // which balls cross neurons' hyperplanes.
    void differentiate(const Vector& at, Index m, double strictness, Vector& gradient) {
        const Index n = x_.rows(), d = x_.cols(), p = ball_.columns;
        const auto u = at.head(d * m).reshaped(d, m);
        const auto a = at.segment(d * m, m);
        const double c = at[at.size() - 1];
        const Matrix t = x_ * u;
        const Matrix active = (t.array() > 0).cast<double>();
        const Vector z = (t.cwiseMax(0.0) * a).array() + c;
        // Each sample's b, its norm and that norm's slope.
        const Matrix b = (u.topRows(p) * a.asDiagonal()) * active.transpose();  // p x n
        Vector reach(n);
        Matrix slopes(p, n);
        parallel_for(context_.team(double(b.size())), n, [&](Index k) {
            reach[k] = ball_.radius * ball_.dual_norm(b.col(k));
            slopes.col(k) = slope_of_norm(ball_, b.col(k)).head(p);
        });
        Matrix worst(n, 1), slope;
        Vector towards(n);  // the sign with which the reach enters
        for (Index k = 0; k < n; ++k) {
            const double y = loss_.targets()(k, 0);
            const bool up = loss_.kind() == LossKind::Squared ? z[k] >= y : y < 0;
            towards[k] = up ? 1 : -1;
            worst(k, 0) = z[k] + towards[k] * reach[k];
        }
        loss_.gradient(worst, slope);
        const Vector by_reach = ball_.radius * slope.col(0).cwiseProduct(towards);
        // By v_j = a_j u_j.
        Matrix by_v = x_.transpose() * (slope.col(0).asDiagonal() * active);
        by_v.topRows(p).noalias() += slopes * (by_reach.asDiagonal() * active);
        auto by_u = gradient.head(d * m).reshaped(d, m);
        by_u = by_v * a.asDiagonal() + alpha_ * u;
        for (Index j = 0; j < m; ++j) {
            const double radius = ball_.radius * ball_.dual_norm(u.col(j));
            Vector side(n);
            double crossed = 0, depth = 0;
            for (Index k = 0; k < n; ++k) {
                const double w = loss_.weights()[k], inside = radius - std::fabs(t(k, j));
                side[k] = inside > 0 ? std::copysign(w, t(k, j)) : 0.0;
                crossed += inside > 0 ? w : 0.0;
                depth += inside > 0 ? w * inside : 0.0;
            }
            gradient[d * m + j] = by_v.col(j).dot(u.col(j)) + alpha_ * a[j] +
                                  strictness * depth * (a[j] > 0 ? 1 : -1);
            if (crossed == 0) continue;
            by_u.col(j) +=
                strictness * std::fabs(a[j]) *
                (crossed * ball_.radius * slope_of_norm(ball_, u.col(j)) - x_.transpose() * side);
        }
        gradient[gradient.size() - 1] = intercept_ ? slope.sum() : 0.0;
    }

    const MatrixView& x_;
    const Loss& loss_;
    double alpha_;
    bool intercept_;
    const Ball& ball_;
    Context context_;
};

}  // namespace

Network search_robust(const MatrixView& x, const Loss& loss, double alpha, bool intercept,
                      const Ball& ball, Index neurons, Index max_iter, std::uint64_t seed,
                      const Context& context) {
    return RobustSearch(x, loss, alpha, intercept, ball, context).run(neurons, max_iter, seed);
}

}  // namespace cycloid::relu
