#include "interior_point_loss.hpp"

#include <algorithm>
#include <cmath>

namespace cycloid::relu {
namespace {

// Slope bounds of a loss with weight one, and the quadratic part of its conjugate.
struct Domain {
    double low, high, bend;
};

Domain domain_of(LossKind kind, double y, double parameter) {
    constexpr double inf = INFINITY;
    switch (kind) {
        case LossKind::Hinge:
            return {y > 0 ? -1.0 : 0.0, y > 0 ? 0.0 : 1.0, 0};
        case LossKind::SquaredHinge:
            return {y > 0 ? -inf : 0.0, y > 0 ? 0.0 : inf, 0.5};
        case LossKind::Huber:
            return {-parameter, parameter, 1};
        case LossKind::Quantile:
            return {-parameter, 1 - parameter, 0};
        case LossKind::Logistic:
            return {y > 0 ? -1.0 : 0.0, y > 0 ? 0.0 : 1.0, 0};
        case LossKind::Softmax:
            return {-y, 1 - y, 0};
        default:
            return {-inf, inf, 1};
    }
}

// A sample without weight: its slope stays zero.
constexpr double rigid = 1e12;

// (f(x) - f(y)) / (x - y) for f = log, where log x and log y are known.
double log_secant(double x, double log_x, double y, double log_y) {
    const double difference = x - y;
    return std::fabs(difference) <= 1e-4 * (x + y) ? 2 / (x + y) : (log_x - log_y) / difference;
}

}  // namespace

LossPair::LossPair(const Loss& loss)
    : loss_(loss),
      softmax_(loss.kind() == LossKind::Softmax),
      logistic_(loss.kind() == LossKind::Logistic) {
    const Index n = loss.samples(), c = loss.outputs();
    low_.resize(n, c);
    high_.resize(n, c);
    for (Index j = 0; j < c; ++j) {
        for (Index k = 0; k < n; ++k) {
            const Domain domain = domain_of(loss.kind(), loss.targets()(k, j), loss.parameter());
            const double w = loss.weights()[k];
            low_(k, j) = w > 0 ? w * domain.low : -INFINITY;
            high_(k, j) = w > 0 ? w * domain.high : INFINITY;
            bend_ = domain.bend;
        }
    }
    for (Index i = 0; i < low_.size(); ++i) pairs_ += has_low(i) + has_high(i);
    a_.setZero(n, c);
    multiplier_ = {Matrix::Zero(n, c), Matrix::Zero(n, c)};
}

void LossPair::start(const Matrix& z) {
    if (entropic()) {
        // Slopes of equal probabilities keep those of an absent class away from zero.
        Matrix even;
        loss_.gradient(z, a_);
        loss_.gradient(Matrix::Zero(z.rows(), z.cols()), even);
        a_ = 0.9 * a_ + 0.1 * even;
        return;
    }
    for (Index j = 0; j < a_.cols(); ++j) {
        // Zero where that is inside, else a way into the domain: the same total on the sides of
        // both signs, so that an intercept finds its condition met.
        double below = 0, above = 0;
        for (Index k = 0; k < a_.rows(); ++k) {
            const double w = loss_.weights()[k];
            if (low_(k, j) == 0) above += w;
            if (high_(k, j) == 0) below += w;
        }
        const double balance = std::min(below, above);
        for (Index k = 0; k < a_.rows(); ++k) {
            const double w = loss_.weights()[k];
            const auto part = [&](double side) {
                return 0.5 * w * (balance > 0 ? balance / side : 1);
            };
            a_(k, j) = low_(k, j) == 0 ? part(above) : high_(k, j) == 0 ? -part(below) : 0.0;
        }
    }
}

void LossPair::shrink(double factor, double mu) {
    a_ *= factor;
    for (Index i = 0; i < a_.size(); ++i) {
        multiplier_.low(i) = has_low(i) ? mu / (a_(i) - low_(i)) : 0;
        multiplier_.high(i) = has_high(i) ? mu / (high_(i) - a_(i)) : 0;
    }
}

double LossPair::complementarity() const {
    double total = 0;
    for (Index i = 0; i < a_.size(); ++i) {
        if (has_low(i)) total += (a_(i) - low_(i)) * multiplier_.low(i);
        if (has_high(i)) total += (high_(i) - a_(i)) * multiplier_.high(i);
    }
    return total;
}

void LossPair::linearize(const Matrix& z) {
    compliance_.resize(a_.rows(), a_.cols());
    residual_.resize(a_.rows(), a_.cols());
    if (logistic_) {
        linearize_logistic(z);
    } else if (softmax_) {
        linearize_softmax(z);
    } else {
        linearize_quadratic(z);
    }
    for (Index i = 0; i < a_.size(); ++i) {
        if (has_low(i)) {
            compliance_(i) += multiplier_.low(i) / (a_(i) - low_(i));
            residual_(i) += multiplier_.low(i);
        }
        if (has_high(i)) {
            compliance_(i) += multiplier_.high(i) / (high_(i) - a_(i));
            residual_(i) -= multiplier_.high(i);
        }
    }
}

void LossPair::linearize_quadratic(const Matrix& z) {
    for (Index j = 0; j < a_.cols(); ++j) {
        for (Index k = 0; k < a_.rows(); ++k) {
            const double w = loss_.weights()[k];
            compliance_(k, j) = w == 0 ? rigid : bend_ / w;
            residual_(k, j) = w == 0 ? 0 : z(k, j) - loss_.targets()(k, j) - bend_ * a_(k, j) / w;
        }
    }
}

// Between the slopes A and those at z the curve of the conjugate's derivative is replaced by its
// secant, which meets it at both: neither end is overshot, however far apart they are.
void LossPair::linearize_logistic(const Matrix& z) {
    for (Index j = 0; j < a_.cols(); ++j) {
        for (Index k = 0; k < a_.rows(); ++k) {
            const double w = loss_.weights()[k], y = loss_.targets()(k, j);
            if (w == 0) {
                compliance_(k, j) = rigid;
                residual_(k, j) = 0;
                continue;
            }
            const double p = -y * a_(k, j) / w, margin = y * z(k, j);
            const double logit = std::log(p) - std::log1p(-p);
            const double e = std::exp(-std::fabs(margin));
            const double q = margin > 0 ? e / (1 + e) : 1 / (1 + e);
            const double middle = 0.5 * (p + q);
            const double secant = std::fabs(p - q) <= 1e-4 * middle * (1 - middle)
                                      ? 1 / (middle * (1 - middle))
                                      : (logit + margin) / (p - q);
            compliance_(k, j) = secant / w;
            residual_(k, j) = z(k, j) + y * logit;
        }
    }
}

void LossPair::linearize_softmax(const Matrix& z) {
    for (Index k = 0; k < a_.rows(); ++k) {
        const double w = loss_.weights()[k];
        if (w == 0) {
            compliance_.row(k).setConstant(rigid);
            residual_.row(k).setZero();
            continue;
        }
        const double top = z.row(k).maxCoeff();
        const double log_sum = top + std::log((z.row(k).array() - top).exp().sum());
        for (Index j = 0; j < a_.cols(); ++j) {
            const double p = a_(k, j) / w + loss_.targets()(k, j), log_p = std::log(p);
            const double log_q = z(k, j) - log_sum, q = std::exp(log_q);
            compliance_(k, j) = log_secant(p, log_p, q, log_q) / w;
            residual_(k, j) = log_q - log_p;
        }
    }
}

void LossPair::centre(double mu, BoundPair& target) const {
    target.low.resize(a_.rows(), a_.cols());
    target.high.resize(a_.rows(), a_.cols());
    for (Index i = 0; i < a_.size(); ++i) {
        target.low(i) = has_low(i) ? mu - (a_(i) - low_(i)) * multiplier_.low(i) : 0;
        target.high(i) = has_high(i) ? mu - (high_(i) - a_(i)) * multiplier_.high(i) : 0;
    }
}

void LossPair::residual(const BoundPair& target, Matrix& out) const {
    out = residual_;
    for (Index i = 0; i < a_.size(); ++i) {
        if (has_low(i)) out(i) += target.low(i) / (a_(i) - low_(i));
        if (has_high(i)) out(i) -= target.high(i) / (high_(i) - a_(i));
    }
}

void LossPair::complete(const BoundPair& target, const Matrix& da, BoundPair& out) const {
    out.low.setZero(a_.rows(), a_.cols());
    out.high.setZero(a_.rows(), a_.cols());
    for (Index i = 0; i < a_.size(); ++i) {
        if (has_low(i)) {
            out.low(i) = (target.low(i) - multiplier_.low(i) * da(i)) / (a_(i) - low_(i));
        }
        if (has_high(i)) {
            out.high(i) = (target.high(i) + multiplier_.high(i) * da(i)) / (high_(i) - a_(i));
        }
    }
}

double LossPair::largest_step(const Matrix& da, const BoundPair& dm, double most) const {
    double step = most;
    for (Index i = 0; i < a_.size(); ++i) {
        if (da(i) < 0 && low_(i) > -INFINITY) step = std::min(step, (low_(i) - a_(i)) / da(i));
        if (da(i) > 0 && high_(i) < INFINITY) step = std::min(step, (high_(i) - a_(i)) / da(i));
        if (dm.low(i) < 0) step = std::min(step, -multiplier_.low(i) / dm.low(i));
        if (dm.high(i) < 0) step = std::min(step, -multiplier_.high(i) / dm.high(i));
    }
    return step;
}

void LossPair::move(double step, const Matrix& da, const BoundPair& dm) {
    a_ += step * da;
    multiplier_.low += step * dm.low;
    multiplier_.high += step * dm.high;
}

void LossPair::correct(const Matrix& da, const BoundPair& dm, BoundPair& target) {
    target.low.array() -= da.array() * dm.low.array();
    target.high.array() += da.array() * dm.high.array();
}

}  // namespace cycloid::relu
