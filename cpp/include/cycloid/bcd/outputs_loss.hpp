// Losses of several linear predictors at a time: several targets, or one predictor a class. As in
// loss.hpp, each gives its value, the dual direction u = -w grad loss (so that X'u is minus the
// gradient), its curvature, and the concave dual it belongs to. Values of one sample lie side by
// side.
#pragma once

#include <algorithm>
#include <cmath>

#include "cycloid/bcd/loss.hpp"
#include "cycloid/core/parallel.hpp"
#include "cycloid/core/simd.hpp"

namespace cycloid::bcd {

struct Response {
    Index n = 0, n_outputs = 0;
    const double* y = nullptr;  // targets, n_outputs a sample; of a classifier the class, one
    const double* w = nullptr;  // non-negative, sum 1
};

// |y - z|^2 / 2
struct SquaredOutputs {
    static constexpr bool quadratic = true;
    static constexpr double smoothness = 1.0;  // bound of the largest eigenvalue of the Hessian

    static double value(const Response& r, const double* z) {
        double sum = 0;
        for (Index i = 0; i < r.n; ++i) {
            double square = 0;
#pragma omp simd reduction(+ : square)
            for (Index c = i * r.n_outputs; c < (i + 1) * r.n_outputs; ++c) {
                square += (r.y[c] - z[c]) * (r.y[c] - z[c]);
            }
            sum += r.w[i] * square;
        }
        return 0.5 * sum;
    }
    // The last argument: what `curve` needs, n_outputs values a sample.
    static double derivatives(const Response& r, const double* z, double* u, double*) {
        double sum = 0;
        for (Index i = 0; i < r.n; ++i) {
            double square = 0;
#pragma omp simd reduction(+ : square)
            for (Index c = i * r.n_outputs; c < (i + 1) * r.n_outputs; ++c) {
                const double e = r.y[c] - z[c];
                u[c] = r.w[i] * e;
                square += e * e;
            }
            sum += r.w[i] * square;
        }
        return 0.5 * sum;
    }
    // t <- Hessian t, for the predictors of one sample.
    static void curve(const Response& r, const double*, Index i, double* t) {
        for (Index c = 0; c < r.n_outputs; ++c) t[c] *= r.w[i];
    }
    // A diagonal bound of the Hessian of one sample.
    static double bound(const Response& r, const double*, Index i, Index) { return r.w[i]; }

    static double dual(const Response& r, const double* u, double c_max, bool exact, double& c) {
        double linear = 0, square = 0;
        for (Index i = 0; i < r.n; ++i) {
            if (r.w[i] == 0) continue;
            double length = 0;
            for (Index q = i * r.n_outputs; q < (i + 1) * r.n_outputs; ++q) {
                linear += u[q] * r.y[q];
                length += u[q] * u[q];
            }
            square += length / r.w[i];
        }
        c = dual_scale(linear, square, c_max, exact);
        return c * linear - 0.5 * c * c * square;
    }
    static void null_predictor(const Response& r, double* b0) {
        for (Index c = 0; c < r.n_outputs; ++c) {
            double sum = 0, total = 0;
            for (Index i = 0; i < r.n; ++i) {
                sum += r.w[i] * (r.y[i * r.n_outputs + c] - r.y[c]), total += r.w[i];
            }
            b0[c] = r.y[c] + sum / total;
        }
    }
};

// log(sum_k exp(z_k)) - z_y, y = 0, 1, ... the class
struct Softmax {
    static constexpr bool quadratic = false;
    static constexpr double smoothness = 0.5;

    static double value(const Response& r, const double* z) {
        double sum = 0;
        for (Index i = 0; i < r.n; ++i) {
            const double* zi = z + i * r.n_outputs;
            const double top = *std::max_element(zi, zi + r.n_outputs);
            double total = 0;
#pragma omp simd reduction(+ : total)
            for (Index c = 0; c < r.n_outputs; ++c) total += simd::exp_nonpositive(zi[c] - top);
            sum += r.w[i] * (top - zi[class_of(r, i)] + std::log(total));
        }
        return sum;
    }
    static double derivatives(const Response& r, const double* z, double* u, double* probability) {
        double sum = 0;
        for (Index i = 0; i < r.n; ++i) {
            const double* zi = z + i * r.n_outputs;
            double *ui = u + i * r.n_outputs, *pi = probability + i * r.n_outputs;
            const double top = *std::max_element(zi, zi + r.n_outputs);
            double total = 0;
#pragma omp simd reduction(+ : total)
            for (Index c = 0; c < r.n_outputs; ++c) {
                pi[c] = simd::exp_nonpositive(zi[c] - top);
                total += pi[c];
            }
            const double scale = 1 / total, w = r.w[i];
#pragma omp simd
            for (Index c = 0; c < r.n_outputs; ++c) {
                pi[c] *= scale;
                ui[c] = -w * pi[c];
            }
            ui[class_of(r, i)] += w;
            sum += w * (top - zi[class_of(r, i)] + std::log(total));
        }
        return sum;
    }
    static void curve(const Response& r, const double* probability, Index i, double* t) {
        const double* p = probability + i * r.n_outputs;
        double mean = 0;
#pragma omp simd reduction(+ : mean)
        for (Index c = 0; c < r.n_outputs; ++c) mean += p[c] * t[c];
        const double w = r.w[i];
#pragma omp simd
        for (Index c = 0; c < r.n_outputs; ++c) t[c] = w * p[c] * (t[c] - mean);
    }
    // diag(p) - p p' <= diag(p).
    static double bound(const Response& r, const double* probability, Index i, Index c) {
        return r.w[i] * probability[i * r.n_outputs + c];
    }

    // Entropy of a_i = y_i - c u_i / w_i, which must be probabilities: -infinity where not.
    static double dual(const Response& r, const double* u, double c_max, bool, double& c) {
        c = std::min(c_max, 1.0);
        double sum = 0;
        for (Index i = 0; i < r.n; ++i) {
            if (r.w[i] == 0) continue;
            const double* ui = u + i * r.n_outputs;
            const double scale = c / r.w[i];
            double entropy = 0;
            for (Index k = 0; k < r.n_outputs; ++k) {
                const double a = (k == class_of(r, i) ? 1.0 : 0.0) - scale * ui[k];
                if (!(a >= 0)) return -INFINITY;
                if (a > 0) entropy -= a * std::log(a);
            }
            sum += r.w[i] * entropy;
        }
        return sum;
    }
    static void null_predictor(const Response& r, double* b0) {
        std::fill(b0, b0 + r.n_outputs, 0.0);
        for (Index i = 0; i < r.n; ++i) b0[class_of(r, i)] += r.w[i];
        double mean = 0;
        for (Index c = 0; c < r.n_outputs; ++c) {
            b0[c] = std::log(b0[c]);
            mean += b0[c] / static_cast<double>(r.n_outputs);
        }
        for (Index c = 0; c < r.n_outputs; ++c) b0[c] -= mean;
    }

private:
    static Index class_of(const Response& r, Index i) { return static_cast<Index>(r.y[i]); }
};

}  // namespace cycloid::bcd
