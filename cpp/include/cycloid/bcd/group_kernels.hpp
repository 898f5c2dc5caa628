// Everything of a group path that has values for each sample: the predictors Z = b0 + X B, the dual
// direction U there, and how both move. Rows of B are addressed by column of X.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <vector>

#include "cycloid/bcd/group_gram_solver.hpp"
#include "cycloid/bcd/outputs_loss.hpp"
#include "cycloid/core/cholesky.hpp"
#include "cycloid/core/operator.hpp"

namespace cycloid::bcd {

template <class Loss>
class GroupKernels {
public:
    GroupKernels(const Operator& x, const Response& response, bool intercept,
                 const Context& context)
        : x_(x),
          r_(response),
          intercept_(intercept),
          context_(context),
          z_(r_.n, r_.n_outputs),
          u_(r_.n, r_.n_outputs),
          t_(r_.n, r_.n_outputs),
          probability_(Loss::quadratic ? 0 : r_.n, r_.n_outputs),
          b0_(Eigen::VectorXd::Zero(r_.n_outputs)),
          imbalance_(b0_) {
        if (intercept) Loss::null_predictor(r_, b0_.data());
        z_.rowwise() = b0_.transpose();
    }

    // Means and variances of the columns; from here on dense columns act as centred.
    void survey(std::vector<double>& mean, std::vector<double>& variance) {
        std::vector<double> unused(mean.size());
        x_.survey(r_.w, r_.w, intercept_, mean.data(), variance.data(), unused.data(), context_);
        mean_ = mean, variance_ = variance;
        if (intercept_ && !x_.sparse()) centre_ = mean_.data();
    }

    // The loss at Z; refreshes U. The intercept of the squared loss follows at once.
    double evaluate() {
        double value = Loss::derivatives(r_, z_.data(), u_.data(), probability_.data());
        if (!intercept_) return value;
        imbalance_ = u_.colwise().sum();
        if constexpr (Loss::quadratic) {
            if (imbalance_.cwiseAbs().maxCoeff() <= 1e-15 * u_.cwiseAbs().sum()) return value;
            b0_ += imbalance_;
            z_.rowwise() += imbalance_.transpose();
            value = Loss::derivatives(r_, z_.data(), u_.data(), probability_.data());
            imbalance_.setZero();
        }
        return value;
    }
    // Makes U orthogonal to the intercept, by the Newton step that the model has in store for it:
    // scaled by the curvature, U stays the slope of a loss.
    void balance() {
        if (Loss::quadratic || !intercept_) return;
        const Index k = r_.n_outputs;
        const auto total = static_cast<double>(k);
        Eigen::MatrixXd curvature = Eigen::MatrixXd::Constant(k, k, 1 / total);
        for (Index i = 0; i < r_.n; ++i) {
            if constexpr (!Loss::quadratic) {
                const auto p = probability_.row(i);
                curvature.noalias() -= (r_.w[i] * p.transpose()) * p;
                curvature.diagonal() += r_.w[i] * p.transpose();
            }
        }
        Eigen::VectorXd shift = imbalance_;
        cholesky(curvature, 1e-13, context_);
        cholesky_solve(curvature, shift);
        for (Index i = 0; i < r_.n; ++i) {
            Eigen::VectorXd change = shift;
            Loss::curve(r_, probability_.data(), i, change.data());
            u_.row(i) -= change.transpose();
        }
    }
    double intercept_violation() const {
        return Loss::quadratic || !intercept_ ? 0.0 : imbalance_.cwiseAbs().maxCoeff();
    }
    const Eigen::VectorXd& imbalance() const { return imbalance_; }

    void correlate(Columns js, double* out) const {
        x_.correlate(u_.data(), r_.n_outputs, js, centre_, out, context_);
    }
    double dual(double c_max, bool exact, double& c) const {
        return Loss::dual(r_, u_.data(), c_max, exact, c);
    }

    // The Gram matrix under the weights, intercept eliminated: its rows >= first, both triangles.
    void gram(Columns js, Index first, Eigen::Ref<Eigen::MatrixXd> g) const {
        x_.gram(js, first, r_.w, centre_, g, context_);
        const auto m = static_cast<Index>(js.size());
        for (Index a = first; a < m; ++a) {
            const double shift = intercept_ && centre_ == nullptr ? mean_[js[a]] : 0.0;
            for (Index b = 0; b <= a; ++b) {
                if (shift != 0) g(a, b) -= shift * mean_[js[b]];
                g(b, a) = g(a, b);
            }
        }
    }

    // T = X_js D + 1 d0', and what it would change.
    void prepare(Columns js, const double* d, const Eigen::VectorXd& d0) {
        image(js, d, d0, t_);
        step0_ = d0;
    }
    double value_along(double step) {
        trial_ = z_ + step * t_;
        return Loss::value(r_, trial_.data());
    }
    void advance(double step) {
        z_ += step * t_;
        b0_ += step * step0_;
    }
    // Hessian products: out = X_js' H (X_js D + 1 d0'), out0 likewise for the intercept.
    void curve(Columns js, const double* d, const Eigen::VectorXd& d0, double* out,
               Eigen::VectorXd& out0) {
        image(js, d, d0, t_);
        for (Index i = 0; i < r_.n; ++i) {
            Loss::curve(r_, probability_.data(), i, t_.row(i).data());
        }
        x_.correlate(t_.data(), r_.n_outputs, js, centre_, out, context_);
        if (intercept_) out0 = t_.colwise().sum();
    }
    // Weighted sums of squares of the columns, centred with an intercept.
    Eigen::VectorXd squares(Columns js) const {
        Eigen::VectorXd out(static_cast<Index>(js.size()));
        for (std::size_t k = 0; k < js.size(); ++k) out[static_cast<Index>(k)] = variance_[js[k]];
        return out;
    }
    // sum_i of the diagonal bound of the Hessian.
    Eigen::VectorXd total_curvature() const {
        Eigen::VectorXd total = Eigen::VectorXd::Zero(r_.n_outputs);
        for (Index i = 0; i < r_.n; ++i) {
            for (Index c = 0; c < r_.n_outputs; ++c) {
                total[c] += Loss::bound(r_, probability_.data(), i, c);
            }
        }
        return total;
    }

    // Starts from given coefficients; b0 belongs to the columns as they are.
    void start(Columns js, const double* coef, const Eigen::VectorXd& b0) {
        b0_ = b0;
        if (centre_ != nullptr) b0_ += centre_of(js, coef);
        z_.rowwise() = b0_.transpose();
        x_.accumulate(js, coef, r_.n_outputs, centre_, z_.data(), context_);
    }
    Eigen::VectorXd intercept(Columns js, const double* coef) const {
        Eigen::VectorXd b0 = b0_;
        if (centre_ != nullptr) b0 -= centre_of(js, coef);
        // Probabilities do not change with the mean.
        if (!Loss::quadratic && intercept_) b0.array() -= b0.mean();
        return b0;
    }

    const Operator& matrix() const { return x_; }
    const Response& response() const { return r_; }
    const double* centre() const { return centre_; }
    const double* probability() const { return probability_.data(); }
    const Outputs& u() const { return u_; }
    bool has_intercept() const { return intercept_; }

private:
    void image(Columns js, const double* d, const Eigen::VectorXd& d0, Outputs& t) const {
        t.rowwise() = d0.transpose();
        x_.accumulate(js, d, r_.n_outputs, centre_, t.data(), context_);
    }
    Eigen::VectorXd centre_of(Columns js, const double* coef) const {
        Eigen::VectorXd sum = Eigen::VectorXd::Zero(r_.n_outputs);
        for (std::size_t k = 0; k < js.size(); ++k) {
            for (Index c = 0; c < r_.n_outputs; ++c) {
                sum[c] += centre_[js[k]] * coef[static_cast<Index>(k) * r_.n_outputs + c];
            }
        }
        return sum;
    }

    const Operator& x_;
    Response r_;
    bool intercept_;
    Context context_;
    std::vector<double> mean_, variance_;
    const double* centre_ = nullptr;
    Outputs z_, u_, t_, trial_, probability_;
    Eigen::VectorXd b0_, imbalance_, step0_;
};

}  // namespace cycloid::bcd
