// What the host loop (path.hpp) needs of the data: about ten functions. Everything with one value a
// sample lives behind them, so that a device can hold it; everything with one value a feature lives
// on the host.
//
// A Kernels keeps a predictor z = b0 + X beta and a pending step t along which it may move:
//
// - survey: weighted means, variances and the slope of every column, in one pass
// - evaluate: loss at z; refreshes the dual direction u (made orthogonal to the intercept) and the
//   curvature h there (or, to majorize the loss, its upper bound)
// - correlate: slopes X' u of some columns
// - moved: the length sqrt(sum du_i^2 / w_i) of u's way since the last call; no slope has changed
//   by more than that times the norm of its column
// - correlate_dual, dual: slopes along, and value of, a direction orthogonal to all unpenalised
//   columns too
// - gram: Gram matrix of some columns (intercept eliminated) under the curvature last frozen
// - drift, freeze: how far, relatively, h has moved since; adopt the present h
// - prepare: t <- X delta and the intercept's share
// - value_along, advance: loss at z + a t; z <- z + a t
// - intercept, intercept_violation
#pragma once

#include <Eigen/Core>
#include <cmath>
#include <concepts>
#include <span>
#include <vector>

#include "cycloid/bcd/loss.hpp"
#include "cycloid/core/cholesky.hpp"
#include "cycloid/core/operator.hpp"

namespace cycloid::bcd {

template <class K>
concept Kernels = requires(K k, Columns js, double* out, double c, Eigen::Ref<Eigen::MatrixXd> g) {
    k.survey(out, out, out);
    { k.evaluate(js, true) } -> std::convertible_to<double>;
    k.correlate(js, out);
    { k.moved() } -> std::convertible_to<double>;
    k.correlate_dual(js, out);
    { k.drift() } -> std::convertible_to<double>;
    k.freeze();
    { k.dual(c, true, c) } -> std::convertible_to<double>;
    k.gram(js, Index{0}, g);
    k.prepare(js, out);
    { k.value_along(c) } -> std::convertible_to<double>;
    k.advance(c);
    { k.intercept() } -> std::convertible_to<double>;
    { k.intercept_violation() } -> std::convertible_to<double>;
};

// Fills the upper triangle of rows >= first from the lower one.
template <class Real>
void mirror(Eigen::Ref<Matrix<Real>> g, Index first, const Context& context) {
    const Index m = g.rows();
    parallel_blocks(context.team(double(m) * double(m - first)), m - first, 32,
                    [&](Index begin, Index end) {
                        for (Index i = first + begin; i < first + end; ++i) {
                            for (Index j = 0; j < i; ++j) g(j, i) = g(i, j);
                        }
                    });
}

// On the CPU, over an Operator.
template <class Loss>
class CpuKernels {
public:
    CpuKernels(const Operator& x, const double* y, const double* w, bool intercept,
               const Context& context)
        : x_(x),
          y_(y),
          w_(w),
          intercept_(intercept),
          context_(context),
          z_(x.rows()),
          t_(Eigen::VectorXd::Zero(x.rows())),
          u_(x.rows()),
          h_(x.rows()) {
        b0_ = intercept ? Loss::null_predictor(x.rows(), y, w) : 0.0;
        z_.setConstant(b0_);
    }

    void survey(double* mean, double* variance, double* slope) {
        x_.survey(w_, u_.data(), intercept_, mean, variance, slope, context_);
        if (intercept_ && !x_.sparse()) centre_ = mean;
        mark_ = u_;
    }
    double evaluate(Columns free, bool majorize = false) {
        const double value = Loss::derivatives(rows(), y_, w_, z_.data(), u_.data(), h_.data());
        if (majorize) h_ = Loss::smoothness * Eigen::Map<const Eigen::VectorXd>(w_, rows());
        total_ = h_.sum();
        imbalance_ = intercept_ ? u_.sum() : 0.0;
        if (intercept_ && total_ > 0) u_ -= (imbalance_ / total_) * h_;
        project(free);
        return value;
    }
    void correlate(Columns js, double* out) { x_.correlate(u_.data(), js, centre_, out, context_); }
    double moved() {
        double square = 0;
        for (Index i = 0; i < rows(); ++i) {
            const double step = u_[i] - mark_[i];
            square += w_[i] > 0 ? step * step / w_[i] : 0.0;
        }
        mark_ = u_;
        return std::sqrt(square);
    }
    void correlate_dual(Columns js, double* out) {
        x_.correlate(dual_direction().data(), js, centre_, out, context_);
    }
    // Best dual loss over multiples c of the dual direction, |c| <= c_max (c = c_max if exact).
    double dual(double c_max, bool exact, double& c) const {
        return Loss::dual(rows(), y_, w_, dual_direction().data(), c_max, exact, c);
    }
    void gram(Columns js, Index first, Eigen::Ref<Eigen::MatrixXd> g) {
        gram_of<double>(frozen_, js, first, g);
    }
    void gram(Columns js, Index first, Eigen::Ref<Eigen::MatrixXf> g) {
        gram_of<float>(frozen_, js, first, g);
    }
    double drift() const {
        if (frozen_.size() == 0) return INFINITY;
        if constexpr (Loss::quadratic) return 0.0;
        return (h_ - frozen_).cwiseAbs().sum() / frozen_.sum();
    }
    void freeze() { frozen_ = h_; }
    void prepare(Columns js, const double* delta) {
        t_.setZero();
        x_.accumulate(js, delta, centre_, t_.data(), context_);
        t0_ = 0;
        if (intercept_ && total_ > 0) {
            const double share = (imbalance_ - h_.dot(t_)) / total_;
            t_.array() += share;
            t0_ = share;
            if (centre_ != nullptr) {
                for (std::size_t k = 0; k < js.size(); ++k) t0_ -= delta[k] * centre_[js[k]];
            }
        }
    }
    double value_along(double step) {
        trial_ = z_ + step * t_;
        return Loss::value(rows(), y_, w_, trial_.data());
    }
    void advance(double step) {
        z_ += step * t_;
        b0_ += step * t0_;
    }
    // Starts from given coefficients instead of zero.
    void start(Columns js, const double* coef, double intercept) {
        z_.setConstant(intercept);
        x_.accumulate(js, coef, nullptr, z_.data(), context_);
        b0_ = intercept;
    }
    double intercept() const { return b0_; }
    double intercept_violation() const { return std::fabs(imbalance_); }

    // For coordinate descent on the samples themselves.
    static constexpr bool has_samples = true;
    const Operator& matrix() const { return x_; }
    std::span<const double> u() const { return {u_.data(), static_cast<std::size_t>(u_.size())}; }
    std::span<const double> h() const { return {h_.data(), static_cast<std::size_t>(h_.size())}; }
    const double* centre() const { return centre_; }

private:
    Index rows() const { return x_.rows(); }
    const Eigen::VectorXd& dual_direction() const { return projected_ ? v_ : u_; }

    template <class Real>
    void gram_of(const Eigen::VectorXd& h, Columns js, Index first, Eigen::Ref<Matrix<Real>> g) {
        x_.gram(js, first, h.data(), centre_, g, context_);
        if (intercept_) {
            const auto m = static_cast<Index>(js.size());
            const double total = h.sum();
            Eigen::VectorXd sums(m);
            x_.correlate(h.data(), js, centre_, sums.data(), context_);
            parallel_blocks(
                context_.team(double(m) * double(m)), m, 32, [&](Index begin, Index end) {
                    for (Index j = begin; j < end; ++j) {
                        const Index from = std::max(j, first);
                        g.col(j).tail(m - from) -=
                            ((sums[j] / total) * sums.tail(m - from)).template cast<Real>();
                    }
                });
        }
        mirror<Real>(g, first, context_);
    }

    // v = u - h (X_free a): orthogonal to the unpenalised columns. Scaling by h keeps a logistic
    // dual point inside its box, for h_i vanishes where the box ends.
    void project(Columns free) {
        projected_ = !free.empty();
        if (!projected_) return;
        const auto q = static_cast<Index>(free.size());
        Eigen::MatrixXd g(q, q);
        gram_of<double>(h_, free, 0, g);
        Eigen::VectorXd a(q);
        correlate(free, a.data());
        cholesky(g, 1e-13, context_);
        cholesky_solve(g, a);
        Eigen::VectorXd image = Eigen::VectorXd::Zero(rows());
        x_.accumulate(free, a.data(), centre_, image.data(), context_);
        if (intercept_) image.array() -= h_.dot(image) / total_;
        v_ = u_ - h_.cwiseProduct(image);
    }

    const Operator& x_;
    const double *y_, *w_;
    bool intercept_, projected_ = false;
    Context context_;
    const double* centre_ = nullptr;
    Eigen::VectorXd z_, t_, u_, h_, v_, trial_, frozen_, mark_;
    double b0_ = 0, t0_ = 0, total_ = 0, imbalance_ = 0;
};

// The squared loss through its sufficient statistics G = X'WX, X'Wy, y'Wy: for n >> p one pass over
// the data serves every iteration, every penalty and every alpha.
class StatisticsKernels {
public:
    // Weighted and centred (when there is an intercept: then y_mean and x_mean say by what).
    StatisticsKernels(Eigen::MatrixXd gram, Eigen::VectorXd correlation, double square,
                      double y_mean, Eigen::VectorXd x_mean, const Context& context)
        : gram_(std::move(gram)),
          correlation_(std::move(correlation)),
          x_mean_(std::move(x_mean)),
          square_(square),
          y_mean_(y_mean),
          context_(context),
          beta_(Eigen::VectorXd::Zero(correlation_.size())),
          slope_(correlation_),
          dual_slope_(correlation_),
          step_(beta_),
          image_(beta_) {}

    void survey(double* mean, double* variance, double* slope) {
        for (Index j = 0; j < beta_.size(); ++j) {
            mean[j] = x_mean_[j], variance[j] = gram_(j, j), slope[j] = slope_[j];
        }
    }
    double evaluate(Columns free, bool = false) {
        slope_ = correlation_;
        for (Index j = 0; j < beta_.size(); ++j) {
            if (beta_[j] != 0) slope_ -= beta_[j] * gram_.col(j);
        }
        linear_ = square_ - beta_.dot(correlation_);  // u'y
        residual_ = linear_ - beta_.dot(slope_);      // sum w r^2
        residual_ = std::max(residual_, 0.0);
        const double value = 0.5 * residual_;
        project(free);
        return value;
    }
    void correlate(Columns js, double* out) const { pick(slope_, js, out); }
    double moved() const { return 0; }  // slopes cost nothing: nobody asks
    void correlate_dual(Columns js, double* out) const { pick(dual_slope_, js, out); }
    double dual(double c_max, bool exact, double& c) const {
        c = dual_scale(dual_linear_, dual_square_, c_max, exact);
        return c * dual_linear_ - 0.5 * c * c * dual_square_;
    }
    void gram(Columns js, Index first, Eigen::Ref<Eigen::MatrixXd> g) const {
        const auto m = static_cast<Index>(js.size());
        for (Index b = 0; b < m; ++b) {
            for (Index a = first; a < m; ++a) g(a, b) = g(b, a) = gram_(js[a], js[b]);
        }
    }
    double drift() const { return 0; }
    void freeze() const {}
    void prepare(Columns js, const double* delta) {
        step_.setZero(), image_.setZero();
        for (std::size_t k = 0; k < js.size(); ++k) {
            step_[js[k]] = delta[k];
            if (delta[k] != 0) image_ += delta[k] * gram_.col(js[k]);
        }
    }
    double value_along(double a) const {
        return 0.5 * residual_ - a * slope_.dot(step_) + 0.5 * a * a * step_.dot(image_);
    }
    void advance(double a) { beta_ += a * step_; }
    void start(Columns js, const double* coef, double) {
        beta_.setZero();
        for (std::size_t k = 0; k < js.size(); ++k) beta_[js[k]] = coef[k];
    }
    double intercept() const { return y_mean_ - x_mean_.dot(beta_); }
    double intercept_violation() const { return 0; }
    static constexpr bool has_samples = false;

private:
    static void pick(const Eigen::VectorXd& from, Columns js, double* out) {
        for (std::size_t k = 0; k < js.size(); ++k) out[k] = from[js[k]];
    }
    void project(Columns free) {
        dual_slope_ = slope_;
        dual_linear_ = linear_, dual_square_ = residual_;
        if (free.empty()) return;
        const auto q = static_cast<Index>(free.size());
        Eigen::MatrixXd g(q, q);
        gram(free, 0, g);
        Eigen::MatrixXd factor = g;
        Eigen::VectorXd a(q), s(q), c(q);
        pick(slope_, free, s.data());
        pick(correlation_, free, c.data());
        cholesky(factor, 1e-13, context_);
        a = s;
        cholesky_solve(factor, a);
        for (Index k = 0; k < q; ++k) dual_slope_ -= a[k] * gram_.col(free[k]);
        dual_linear_ -= a.dot(c);
        dual_square_ += -2 * a.dot(s) + a.dot(g * a);
    }

    Eigen::MatrixXd gram_;
    Eigen::VectorXd correlation_, x_mean_;
    double square_, y_mean_;
    Context context_;
    Eigen::VectorXd beta_, slope_, dual_slope_, step_, image_;
    double linear_ = 0, residual_ = 0, dual_linear_ = 0, dual_square_ = 0;
};

}  // namespace cycloid::bcd
