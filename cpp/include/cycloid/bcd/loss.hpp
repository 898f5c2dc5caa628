// Losses of a linear predictor z, as weighted sums over samples. Each gives its value, the dual
// direction u_i = -w_i loss'(z_i) (so that X'u is minus the gradient), the curvature h_i = w_i
// loss''(z_i), and the concave dual it belongs to: sum_i loss = max_u -sum_i w_i loss*(-u_i / w_i)
// - ...
#pragma once

#include <algorithm>
#include <cmath>

#include "cycloid/core/parallel.hpp"
#include "cycloid/core/simd.hpp"

namespace cycloid::bcd {

// The c that maximizes c linear - c^2 square / 2, |c| <= c_max. At the optimum c = 1; beyond 2 only
// rounding errors would be scaled up.
inline double dual_scale(double linear, double square, double c_max, bool exact) {
    if (exact) return c_max;
    const double bound = std::min(c_max, 2.0);
    return square > 0 ? std::clamp(linear / square, -bound, bound) : 0.0;
}

// (y - z)^2 / 2
struct Squared {
    static constexpr bool quadratic = true;
    static constexpr double smoothness = 1.0;  // bound of loss''

    static double value(Index n, const double* y, const double* w, const double* z) {
        double sum = 0;
#pragma omp simd reduction(+ : sum)
        for (Index i = 0; i < n; ++i) sum += w[i] * (y[i] - z[i]) * (y[i] - z[i]);
        return 0.5 * sum;
    }
    static double derivatives(Index n, const double* y, const double* w, const double* z, double* u,
                              double* h) {
        double sum = 0;
#pragma omp simd reduction(+ : sum)
        for (Index i = 0; i < n; ++i) {
            const double r = y[i] - z[i];
            u[i] = w[i] * r;
            h[i] = w[i];
            sum += w[i] * r * r;
        }
        return 0.5 * sum;
    }
    // The best dual value over c u, -c_max <= c <= c_max, and that c. With an L2 term the penalty's
    // conjugate depends on c too and the caller asks for c = c_max alone (`exact`).
    static double dual(Index n, const double* y, const double* w, const double* u, double c_max,
                       bool exact, double& c) {
        double linear = 0, square = 0;
#pragma omp simd reduction(+ : linear, square)
        for (Index i = 0; i < n; ++i) {
            linear += u[i] * y[i];
            square += w[i] > 0 ? u[i] * u[i] / w[i] : 0.0;
        }
        c = dual_scale(linear, square, c_max, exact);
        return c * linear - 0.5 * c * c * square;
    }
    static double null_predictor(Index n, const double* y, const double* w) {
        double sum = 0, total = 0;
        for (Index i = 0; i < n; ++i) sum += w[i] * (y[i] - y[0]), total += w[i];
        return y[0] + sum / total;
    }
};

// log(1 + exp(-y z)), y = -1 or +1
struct Logistic {
    static constexpr bool quadratic = false;
    static constexpr double smoothness = 0.25;

    static double value(Index n, const double* y, const double* w, const double* z) {
        double sum = 0;
#pragma omp simd reduction(+ : sum)
        for (Index i = 0; i < n; ++i) {
            const double margin = y[i] * z[i], size = std::fabs(margin);
            sum += w[i] * (simd::log1p_unit(simd::exp_nonpositive(-size)) + 0.5 * (size - margin));
        }
        return sum;
    }
    static double derivatives(Index n, const double* y, const double* w, const double* z, double* u,
                              double* h) {
        double sum = 0;
#pragma omp simd reduction(+ : sum)
        for (Index i = 0; i < n; ++i) {
            const double margin = y[i] * z[i], size = std::fabs(margin);
            const double e = simd::exp_nonpositive(-size), small = e / (1.0 + e);
            const double wrong =
                margin > 0 ? small : 1.0 - small;  // probability of the other label
            u[i] = w[i] * y[i] * wrong;
            h[i] = w[i] * wrong * (1.0 - wrong);
            sum += w[i] * (simd::log1p_unit(e) + 0.5 * (size - margin));
        }
        return sum;
    }
    // Entropy of a_i = c y_i u_i / w_i, which must lie in [0, 1]: -infinity outside.
    static double dual(Index n, const double* y, const double* w, const double* u, double c_max,
                       bool, double& c) {
        c = std::min(c_max, 1.0);
        double sum = 0;
        for (Index i = 0; i < n; ++i) {
            if (w[i] == 0) continue;
            const double a = c * y[i] * u[i] / w[i];
            if (!(a >= 0 && a <= 1)) return -INFINITY;
            if (a > 0 && a < 1) sum -= w[i] * (a * std::log(a) + (1 - a) * std::log1p(-a));
        }
        return sum;
    }
    static double null_predictor(Index n, const double* y, const double* w) {
        double positive = 0, negative = 0;
        for (Index i = 0; i < n; ++i) (y[i] > 0 ? positive : negative) += w[i];
        return std::log(positive / negative);
    }
};

}  // namespace cycloid::bcd
