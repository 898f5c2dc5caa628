// Losses of a network's outputs, as means over the samples. Each call works on all samples at once,
// so that a virtual call costs nothing beside the work and every solver takes every loss.
//
//     Squared       (y - z)^2 / 2
//     Logistic      log(1 + exp(-y z)),       y = -1 or +1, as in the next two
//     Hinge         (1 - y z)_+
//     SquaredHinge  ((1 - y z)_+)^2
//     Huber         r^2 / 2 where |r| <= parameter, else parameter (|r| - parameter / 2); r = y - z
//     Quantile      max(parameter r, (parameter - 1) r)
//     Softmax       log(sum_j exp z_j) - sum_j y_j z_j
#pragma once

#include <Eigen/Core>
#include <memory>

#include "cycloid/core/parallel.hpp"

namespace cycloid::relu {

using Matrix = Eigen::MatrixXd;
using Vector = Eigen::VectorXd;
using RowVector = Eigen::RowVectorXd;

enum class LossKind { Squared, Logistic, Hinge, SquaredHinge, Huber, Quantile, Softmax };

// Squared, logistic and softmax have all derivatives. Squared hinge and Huber are quadratic between
// kinks, hinge and quantile linear: whoever needs a barrier for these writes
//     ((1 - y z)_+)^2 = min { t^2 : t >= 1 - y z, t >= 0 },   (1 - y z)_+ = min { t : same },
//     Huber(r) = min { s^2 / 2 + parameter |r - s| },         quantile = the larger of its lines.
enum class Form { Smooth, PiecewiseQuadratic, PiecewiseLinear };

// L(Z) = sum_k weight_k l(z_k, y_k) for predictions Z (samples x outputs). All losses but softmax
// are sums over the outputs.
class Loss {
public:
    virtual ~Loss() = default;

    LossKind kind() const { return kind_; }
    Form form() const;
    Index samples() const { return targets_.rows(); }
    Index outputs() const { return targets_.cols(); }
    const Matrix& targets() const { return targets_; }
    const Vector& weights() const { return weights_; }  // sum to one
    double parameter() const { return parameter_; }

    virtual double value(const Matrix& z) const = 0;
    // A gradient, or a subgradient where there is none.
    virtual void gradient(const Matrix& z, Matrix& out) const = 0;
    // Second derivatives weight_k l''(z_kj), zero at kinks. For softmax weight_k p_kj with the
    // probabilities p: the Hessian of row k is diag(h_k) - h_k h_k' / weight_k.
    virtual void curvature(const Matrix& z, Matrix& out) const = 0;
    // L*(a) = sup <a, Z> - L(Z); infinity outside its domain (but for rounding).
    virtual double conjugate(const Matrix& a) const = 0;
    // z <- argmin_Z step L(Z) + |Z - z|^2 / 2.
    virtual void prox(double step, Matrix& z) const = 0;
    // argmin_c L(Z + 1 c').
    virtual RowVector best_intercept(const Matrix& z) const = 0;
    // Moves `a` into the domain of the conjugate, `centred`: so that its columns sum to zero.
    virtual void to_domain(Matrix& a, bool centred) const = 0;

protected:
    Loss(LossKind kind, Matrix targets, Vector weights, double parameter)
        : kind_(kind),
          targets_(std::move(targets)),
          weights_(std::move(weights)),
          parameter_(parameter) {}

private:
    LossKind kind_;
    Matrix targets_;
    Vector weights_;
    double parameter_;
};

// `parameter`: Huber's threshold, the quantile's level; else unused. y is samples x outputs: real
// targets, -1 / +1, or for softmax one 1 a row. weights sum to one; null means equal ones.
std::unique_ptr<Loss> make_loss(LossKind kind, const Eigen::Ref<const Matrix>& y,
                                const double* weights, double parameter);

}  // namespace cycloid::relu
