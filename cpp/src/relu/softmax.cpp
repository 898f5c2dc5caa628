#include "softmax.hpp"

#include <Eigen/Cholesky>
#include <cmath>

#include "cycloid/core/simd.hpp"

namespace cycloid::relu {
namespace {

constexpr int most_steps = 100, most_halvings = 40;

// p <- softmax(z); returns log(sum exp z).
template <class Row, class Probabilities>
double probabilities(const Row& z, Probabilities& p) {
    const double top = z.maxCoeff();
    double total = 0;
    for (Index j = 0; j < z.size(); ++j) {
        p[j] = simd::exp_nonpositive(z[j] - top);
        total += p[j];
    }
    p /= total;
    return top + std::log(total);
}

// Minimises t (log sum exp z - y'z) + |z - start|^2 / 2, strongly convex, by damped Newton steps.
// The Hessian is diag(1 + t p) - t p p': inverted by Sherman and Morrison's formula, whose
// denominator 1 - t p' (p / (1 + t p)) is sum p / (1 + t p) > 0.
class RowProx {
public:
    explicit RowProx(Index outputs)
        : start_(outputs), p_(outputs), slope_(outputs), step_(outputs), trial_(outputs) {}

    template <class Target, class Row>
    void operator()(double t, const Target& y, Row&& z) {
        start_ = z;
        double value = objective(t, y, start_, z.eval());
        for (int k = 0; k < most_steps; ++k) {
            slope_ = t * (p_ - y) + z - start_;
            const auto scale = 1 + t * p_.array();
            step_ = slope_.array() / scale;
            const double denominator = (p_.array() / scale).sum();
            step_.array() += t * p_.dot(step_) / denominator * p_.array() / scale;
            const double decrease = slope_.dot(step_);
            if (!(step_.norm() > 1e-15 * (1 + z.norm()))) return;
            double length = 1;
            for (int h = 0; h < most_halvings; ++h, length *= 0.5) {
                trial_ = z - length * step_;
                const double next = objective(t, y, start_, trial_);
                // Close to the minimum rounding hides the decrease; the full step is right there.
                if (next <= value - 1e-4 * length * decrease ||
                    decrease < 1e-10 * (1 + std::abs(value))) {
                    value = next;
                    break;
                }
            }
            z = trial_;
        }
    }

private:
    template <class Target>
    double objective(double t, const Target& y, const RowVector& start, const RowVector& z) {
        const double log_sum = probabilities(z, p_);
        return t * (log_sum - y.dot(z)) + 0.5 * (z - start).squaredNorm();
    }

    RowVector start_, p_, slope_, step_, trial_;
};

}  // namespace

double Softmax::value(const Matrix& z) const {
    RowVector p(outputs());
    double total = 0;
    for (Index k = 0; k < samples(); ++k) {
        const RowVector row = z.row(k);
        total += weights()[k] * (probabilities(row, p) - targets().row(k).dot(row));
    }
    return total;
}

void Softmax::gradient(const Matrix& z, Matrix& out) const {
    curvature(z, out);
    for (Index j = 0; j < outputs(); ++j) {
        out.col(j) -= weights().cwiseProduct(targets().col(j));
    }
}

void Softmax::curvature(const Matrix& z, Matrix& out) const {
    out.resize(z.rows(), z.cols());
    RowVector p(outputs());
    for (Index k = 0; k < samples(); ++k) {
        const RowVector row = z.row(k);
        probabilities(row, p);
        out.row(k) = weights()[k] * p;
    }
}

// The entropy of q = a / w + y, which must lie in the simplex.
double Softmax::conjugate(const Matrix& a) const {
    constexpr double slack = 1e-11;
    double total = 0;
    for (Index k = 0; k < samples(); ++k) {
        const double w = weights()[k];
        if (w == 0) {
            if ((a.row(k).array() != 0).any()) return INFINITY;
            continue;
        }
        if (!(std::abs(a.row(k).sum()) <= slack * w)) return INFINITY;
        for (Index j = 0; j < outputs(); ++j) {
            const double q = a(k, j) / w + targets()(k, j);
            if (!(q >= -slack)) return INFINITY;
            if (q > 0) total += w * q * std::log(q);
        }
    }
    return total;
}

void Softmax::prox(double step, Matrix& z) const {
    RowProx row_prox(outputs());
    for (Index k = 0; k < samples(); ++k) {
        row_prox(step * weights()[k], targets().row(k), z.row(k));
    }
}

RowVector Softmax::best_intercept(const Matrix& z) const {
    const Index c = outputs();
    RowVector best = RowVector::Zero(c);
    Matrix shifted = z, h;
    double current = value(shifted);
    for (int k = 0; k < most_steps; ++k) {
        curvature(shifted, h);
        const RowVector slope = h.colwise().sum() - weights().transpose() * targets();
        if (slope.lpNorm<Eigen::Infinity>() < 1e-16) break;
        // A multiple of 1 1' removes the direction that softmax does not see.
        Matrix hessian = Matrix::Constant(c, c, 1.0 / static_cast<double>(c));
        hessian.diagonal() += h.colwise().sum().transpose();
        const Vector inverse = (weights().array() > 0).select(weights().cwiseInverse(), 0);
        hessian.noalias() -= h.transpose() * inverse.asDiagonal() * h;
        const RowVector step = hessian.ldlt().solve(slope.transpose()).transpose();
        if (!(step.norm() > 1e-15 * (1 + best.norm()))) break;
        const double decrease = slope.dot(step);
        double length = 1, next = current;
        for (int halving = 0; halving < most_halvings; ++halving, length *= 0.5) {
            shifted = z.rowwise() + (best - length * step);
            next = value(shifted);
            if (next <= current - 1e-4 * length * decrease || decrease < 1e-12) break;
        }
        best -= length * step;
        current = next;
    }
    return best;
}

void Softmax::to_domain(Matrix& a, bool centred) const {
    Matrix z(a.rows(), a.cols());
    for (Index k = 0; k < samples(); ++k) {
        const double w = weights()[k];
        for (Index j = 0; j < outputs(); ++j) {
            const double q = w > 0 ? a(k, j) / w + targets()(k, j) : targets()(k, j);
            z(k, j) = std::log(std::max(q, 1e-300));
        }
    }
    if (centred) z.rowwise() += best_intercept(z);
    gradient(z, a);
}

}  // namespace cycloid::relu
