// The penalty l1 |b|_1 + norm |b|_2 + l2 |b|_2^2 / 2 of one group of coefficients: a group of the
// (sparse-)group Lasso, or a row of a matrix of coefficients, one feature in all outputs.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>

#include "cycloid/core/parallel.hpp"

namespace cycloid::bcd {

// Soft-thresholding in three cases, so that zero is never -0.
inline double soft_threshold(double c, double level) {
    return c > level ? c - level : c < -level ? c + level : 0.0;
}

struct GroupPenalty {
    double l1 = 0, norm = 0, l2 = 0;

    bool free() const { return l1 == 0 && norm == 0; }  // has no kink
    bool unpenalised() const { return free() && l2 == 0; }

    double value(std::span<const double> b) const {
        double sum = 0, square = 0;
        for (const double v : b) sum += std::fabs(v), square += v * v;
        return square == 0 ? 0 : l1 * sum + norm * std::sqrt(square) + 0.5 * l2 * square;
    }

    // Euclidean length of the soft-thresholded scale * v.
    double thresholded_length(std::span<const double> v, double scale = 1) const {
        double square = 0;
        for (const double s : v) {
            const double e = std::max(scale * std::fabs(s) - l1, 0.0);
            square += e * e;
        }
        return std::sqrt(square);
    }
    // How far a slope (minus the gradient of the loss) exceeds what the kink at zero can hold.
    double excess(std::span<const double> slope) const {
        return std::max(thresholded_length(slope) - norm, 0.0);
    }
    // Conjugate at v when l2 > 0.
    double conjugate(std::span<const double> v) const {
        const double e = excess(v);
        return e == 0 ? 0 : 0.5 * e * e / l2;
    }
    // The largest scale <= most at which the kink at zero still holds scale * v. The thresholded
    // length is convex in the scale, so Newton's method from above never passes the root.
    double feasible_scale(std::span<const double> v, double most) const {
        double largest = 0;
        for (const double s : v) largest = std::max(largest, std::fabs(s));
        if (largest == 0) return most;
        // Beyond, the largest entry alone is too long; far beyond, digits would cancel.
        double scale = std::min(most, (l1 + norm) / largest);
        for (int step = 0; step < 100; ++step) {
            double square = 0, along = 0;
            for (const double s : v) {
                const double size = std::fabs(s), e = std::max(scale * size - l1, 0.0);
                square += e * e, along += e * size;
            }
            const double length = std::sqrt(square);
            if (length <= norm * (1 + 1e-15) || along == 0) break;
            const double next = scale - (length - norm) * length / along;
            if (!(next < scale)) break;
            scale = std::max(next, 0.0);
        }
        return scale;
    }

    // Euclidean distance of the slope from the subdifferential at b.
    double violation(std::span<const double> slope, std::span<const double> b) const {
        double square = 0;
        for (const double v : b) square += v * v;
        if (square == 0) return excess(slope);
        const double pull = norm / std::sqrt(square) + l2;
        double distance = 0;
        for (std::size_t k = 0; k < b.size(); ++k) {
            const double rest = slope[k] - pull * b[k];
            const double d =
                b[k] == 0 ? std::max(std::fabs(rest) - l1, 0.0) : rest - std::copysign(l1, b[k]);
            distance += d * d;
        }
        return std::sqrt(distance);
    }

    // argmin_b sum_k curvature_k b_k^2 / 2 - c_k b_k + penalty(b), written over c. Thresholding
    // first is exact, whatever the curvatures; t = |b| then solves
    // sum_k (c_k / ((curvature_k + l2) t + norm))^2 = 1.
    void prox(std::span<double> c, std::span<const double> curvature) const {
        double square = 0, stiffest = 0;
        for (std::size_t k = 0; k < c.size(); ++k) {
            c[k] = soft_threshold(c[k], l1);
            square += c[k] * c[k];
            stiffest = std::max(stiffest, curvature[k] + l2);
        }
        const double length = std::sqrt(square);
        if (length <= norm || !(stiffest > 0)) {
            std::fill(c.begin(), c.end(), 0.0);
            return;
        }
        if (norm == 0) {
            for (std::size_t k = 0; k < c.size(); ++k) {
                const double scale = curvature[k] + l2;
                c[k] = scale > 0 ? c[k] / scale : 0.0;
            }
            return;
        }
        const double t = root(c, curvature, (length - norm) / stiffest);
        for (std::size_t k = 0; k < c.size(); ++k) {
            c[k] *= t / ((curvature[k] + l2) * t + norm);
        }
    }

private:
    // Newton's method on 1 - 1 / |c / (curvature t + norm)|, which is concave in t and rises: from
    // a point below the root it never passes it.
    double root(std::span<const double> c, std::span<const double> curvature, double t) const {
        for (int step = 0; step < 60; ++step) {
            double square = 0, slope = 0;
            for (std::size_t k = 0; k < c.size(); ++k) {
                const double scale = curvature[k] + l2, share = c[k] / (scale * t + norm);
                square += share * share;
                slope += share * share * scale / (scale * t + norm);
            }
            if (!(slope > 0)) break;  // no curvature where c is not zero: the root is far away
            const double length = std::sqrt(square);
            const double move = (length - 1) * square / slope;
            t += move;
            if (!(std::fabs(move) > 1e-15 * t)) break;
        }
        return t;
    }
};

}  // namespace cycloid::bcd
