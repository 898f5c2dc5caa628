// Losses of a network's outputs, as means over the samples. Each call works on all samples at once,
// so that a virtual call costs nothing beside the work and every solver takes every loss.
#pragma once

#include <Eigen/Core>
#include <memory>

#include "cycloid/core/parallel.hpp"

namespace cycloid::relu {

using Matrix = Eigen::MatrixXd;
using Vector = Eigen::VectorXd;

enum class LossKind { Squared, Logistic, Hinge, SquaredHinge, Huber, Quantile, Softmax };

// L(Z) = sum_k weight_k l(z_k, y_k) for predictions Z (samples x outputs). All losses but softmax
// are sums over the outputs.
class Loss {
public:
    virtual ~Loss() = default;

    virtual Index samples() const = 0;
    virtual Index outputs() const = 0;
    virtual double value(const Matrix& z) const = 0;
    // A gradient, or a subgradient where there is none.
    virtual void gradient(const Matrix& z, Matrix& out) const = 0;
    // L*(a) = sup <a, Z> - L(Z); infinity outside its domain.
    virtual double conjugate(const Matrix& a) const = 0;
    // z <- argmin_Z step L(Z) + |Z - z|^2 / 2.
    virtual void prox(double step, Matrix& z) const = 0;
};

// `parameter`: Huber's threshold, the quantile's level; else unused. y is samples x outputs: real
// targets, -1 / +1, or for softmax one 1 a row. weights sum to one; null means equal ones.
std::unique_ptr<Loss> make_loss(LossKind kind, const Eigen::Ref<const Matrix>& y,
                                const double* weights, double parameter);

}  // namespace cycloid::relu
