#include "cycloid/relu/loss.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "monotone_root.hpp"
#include "scalar_losses.hpp"
#include "softmax.hpp"

namespace cycloid::relu {
namespace {

// A slope this far outside the domain of a conjugate is a rounding error.
constexpr double domain_slack = 1e-11;

// sum_k weight_k sum_j l(z_kj, y_kj)
template <class Scalar>
class Separable final : public Loss {
public:
    Separable(LossKind kind, Matrix targets, Vector weights, double parameter, Scalar scalar)
        : Loss(kind, std::move(targets), std::move(weights), parameter), scalar_(scalar) {}

    double value(const Matrix& z) const override {
        double total = 0;
        each_output([&](Index j, const double* y, const double* w) {
            total += sum_of(z.col(j).data(), y, w,
                            [&](double zk, double yk) { return scalar_.value(zk, yk); });
        });
        return total;
    }

    void gradient(const Matrix& z, Matrix& out) const override {
        each(z, out, [&](double zk, double yk) { return scalar_.slope(zk, yk); });
    }

    void curvature(const Matrix& z, Matrix& out) const override {
        each(z, out, [&](double zk, double yk) { return scalar_.bend(zk, yk); });
    }

    double conjugate(const Matrix& a) const override {
        double total = 0;
        each_output([&](Index j, const double* y, const double* w) {
            for (Index k = 0; k < samples(); ++k) {
                const double low = w[k] * scalar_.low(y[k]), high = w[k] * scalar_.high(y[k]);
                const double slack = domain_slack * w[k];
                if (w[k] == 0) {
                    if (a(k, j) != 0) total = INFINITY;
                } else if (!(a(k, j) >= low - slack && a(k, j) <= high + slack)) {
                    total = INFINITY;
                } else {
                    total += w[k] * scalar_.conjugate(std::clamp(a(k, j), low, high) / w[k], y[k]);
                }
            }
        });
        return total;
    }

    void prox(double step, Matrix& z) const override {
        each_output([&](Index j, const double* y, const double* w) {
            prox_column(scalar_, step, y, w, z.col(j).data());
        });
    }

    RowVector best_intercept(const Matrix& z) const override {
        RowVector best(outputs());
        each_output([&](Index j, const double* y, const double* w) {
            const double* zj = z.col(j).data();
            const auto derivative = [&](double c) {
                double slope = 0, bend = 0;
#pragma omp simd reduction(+ : slope, bend)
                for (Index k = 0; k < samples(); ++k) {
                    slope += w[k] * scalar_.slope(zj[k] + c, y[k]);
                    bend += w[k] * scalar_.bend(zj[k] + c, y[k]);
                }
                return std::pair(slope, bend);
            };
            best[j] = monotone_root(derivative, std::numeric_limits<double>::epsilon());
        });
        return best;
    }

    void to_domain(Matrix& a, bool centred) const override {
        each_output([&](Index j, const double* y, const double* w) {
            double* aj = a.col(j).data();
            const auto shifted = [&](Index k, double shift) {
                return std::clamp(aj[k] + shift * w[k], w[k] * scalar_.low(y[k]),
                                  w[k] * scalar_.high(y[k]));
            };
            const auto total = [&](double shift) {
                double sum = 0, slope = 0;
                for (Index k = 0; k < samples(); ++k) {
                    if (w[k] == 0) continue;
                    const double value = shifted(k, shift);
                    sum += value;
                    slope += value == aj[k] + shift * w[k] ? w[k] : 0;
                }
                return std::pair(sum, slope);
            };
            const double shift = centred ? monotone_root(total, 1e-16) : 0;
            for (Index k = 0; k < samples(); ++k) aj[k] = w[k] == 0 ? 0 : shifted(k, shift);
        });
    }

private:
    template <class Body>
    void each_output(const Body& body) const {
        for (Index j = 0; j < outputs(); ++j) {
            body(j, targets().col(j).data(), weights().data());
        }
    }

    template <class Function>
    void each(const Matrix& z, Matrix& out, const Function& function) const {
        out.resize(z.rows(), z.cols());
        each_output([&](Index j, const double* y, const double* w) {
            const double* zj = z.col(j).data();
            double* target = out.col(j).data();
#pragma omp simd
            for (Index k = 0; k < samples(); ++k) target[k] = w[k] * function(zj[k], y[k]);
        });
    }

    template <class Function>
    double sum_of(const double* z, const double* y, const double* w,
                  const Function& function) const {
        double total = 0;
#pragma omp simd reduction(+ : total)
        for (Index k = 0; k < samples(); ++k) total += w[k] * function(z[k], y[k]);
        return total;
    }

    template <class AnyScalar>
    void prox_column(const AnyScalar& scalar, double step, const double* y, const double* w,
                     double* z) const {
#pragma omp simd
        for (Index k = 0; k < samples(); ++k) z[k] = scalar.prox(step * w[k], z[k], y[k]);
    }

    // Newton's method on pieces of samples, each until all of its samples have arrived.
    void prox_column(const Logistic&, double step, const double* y, const double* w,
                     double* z) const {
        constexpr Index piece = 64;
        constexpr int most = 100;
        std::array<double, piece> start{};
        std::array<double, piece> margin{};
        for (Index begin = 0; begin < samples(); begin += piece) {
            const Index count = std::min(piece, samples() - begin);
#pragma omp simd
            for (Index k = 0; k < count; ++k) {
                start[k] = y[begin + k] * z[begin + k];
                margin[k] = Logistic::first(step * w[begin + k], start[k]);
            }
            double largest = 1;
            for (int round = 0; round < most && largest > 1e-15; ++round) {
                largest = 0;
#pragma omp simd reduction(max : largest)
                for (Index k = 0; k < count; ++k) {
                    const double move = Logistic::step(step * w[begin + k], start[k], margin[k]);
                    margin[k] += move;
                    largest = std::max(largest, std::fabs(move) / (1 + std::fabs(margin[k])));
                }
            }
#pragma omp simd
            for (Index k = 0; k < count; ++k) z[begin + k] = y[begin + k] * margin[k];
        }
    }

    Scalar scalar_;
};

}  // namespace

Form Loss::form() const {
    switch (kind_) {
        case LossKind::Hinge:
        case LossKind::Quantile:
            return Form::PiecewiseLinear;
        case LossKind::SquaredHinge:
        case LossKind::Huber:
            return Form::PiecewiseQuadratic;
        default:
            return Form::Smooth;
    }
}

std::unique_ptr<Loss> make_loss(LossKind kind, const Eigen::Ref<const Matrix>& y,
                                const double* weights, double parameter) {
    const Index n = y.rows();
    const Vector w = weights != nullptr ? Vector(Eigen::Map<const Vector>(weights, n))
                                        : Vector::Constant(n, 1.0 / static_cast<double>(n));
    const auto separable = [&]<class Scalar>(Scalar scalar) -> std::unique_ptr<Loss> {
        return std::make_unique<Separable<Scalar>>(kind, y, w, parameter, scalar);
    };
    switch (kind) {
        case LossKind::Squared:
            return separable(Squared{});
        case LossKind::Logistic:
            return separable(Logistic{});
        case LossKind::Hinge:
            return separable(Hinge{});
        case LossKind::SquaredHinge:
            return separable(SquaredHinge{});
        case LossKind::Huber:
            return separable(Huber{parameter});
        case LossKind::Quantile:
            return separable(Quantile{parameter});
        case LossKind::Softmax:
            break;
    }
    return std::make_unique<Softmax>(y, w);
}

}  // namespace cycloid::relu
