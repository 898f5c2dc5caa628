// Losses of one prediction z with target y: value, slope, second derivative `bend`, conjugate on
// its domain [low, high], and prox(t, z) = argmin_x t l(x) + (x - z)^2 / 2. Branch-free where loops
// over samples are to vectorize.
#pragma once

#include <algorithm>
#include <cmath>

#include "cycloid/core/simd.hpp"

namespace cycloid::relu {

struct Squared {
    double value(double z, double y) const { return 0.5 * (y - z) * (y - z); }
    double slope(double z, double y) const { return z - y; }
    double bend(double, double) const { return 1; }
    double low(double) const { return -INFINITY; }
    double high(double) const { return INFINITY; }
    double conjugate(double s, double y) const { return s * (y + 0.5 * s); }
    double prox(double t, double z, double y) const { return z + t / (1 + t) * (y - z); }
};

// The conjugate of a loss of the margin y z lives on slopes of the sign of -y.
struct Logistic {
    // exp(-|m|) / (1 + exp(-|m|)), mirrored: the probability of the other label.
    static double wrong(double m) {
        const double e = simd::exp_nonpositive(-std::fabs(m)), small = e / (1 + e);
        return m > 0 ? small : 1 - small;
    }
    double value(double z, double y) const {
        const double m = y * z, size = std::fabs(m);
        return simd::log1p_unit(simd::exp_nonpositive(-size)) + 0.5 * (size - m);
    }
    double slope(double z, double y) const { return -y * wrong(y * z); }
    double bend(double z, double y) const {
        const double p = wrong(y * z);
        return p * (1 - p);
    }
    double low(double y) const { return y > 0 ? -1 : 0; }
    double high(double y) const { return y > 0 ? 0 : 1; }
    double conjugate(double s, double y) const {
        const double p = -y * s;
        return p > 0 && p < 1 ? p * std::log(p) + (1 - p) * std::log1p(-p) : 0;
    }
    // The root of m - m0 - t wrong(m) has the sign of m0 + t / 2. On that side the function is
    // concave (convex), so Newton's method from max(0, m0) (from min(0, m0 + t)) is monotone.
    static double first(double t, double m0) {
        return m0 + 0.5 * t > 0 ? std::max(0.0, m0) : std::min(0.0, m0 + t);
    }
    static double step(double t, double m0, double m) {
        const double p = wrong(m);
        return (m0 - m + t * p) / (1 + t * p * (1 - p));
    }
};

struct Hinge {
    double value(double z, double y) const { return std::max(0.0, 1 - y * z); }
    double slope(double z, double y) const { return y * z < 1 ? -y : 0; }
    double bend(double, double) const { return 0; }
    double low(double y) const { return y > 0 ? -1 : 0; }
    double high(double y) const { return y > 0 ? 0 : 1; }
    double conjugate(double s, double y) const { return y * s; }
    double prox(double t, double z, double y) const {
        return z + y * std::min(t, std::max(0.0, 1 - y * z));
    }
};

struct SquaredHinge {
    double value(double z, double y) const {
        const double short_by = std::max(0.0, 1 - y * z);
        return short_by * short_by;
    }
    double slope(double z, double y) const { return -2 * y * std::max(0.0, 1 - y * z); }
    double bend(double z, double y) const { return y * z < 1 ? 2 : 0; }
    double low(double y) const { return y > 0 ? -INFINITY : 0; }
    double high(double y) const { return y > 0 ? 0 : INFINITY; }
    double conjugate(double s, double y) const { return s * (y + 0.25 * s); }
    double prox(double t, double z, double y) const {
        return z + y * (2 * t / (1 + 2 * t)) * std::max(0.0, 1 - y * z);
    }
};

struct Huber {
    double threshold;

    double value(double z, double y) const {
        const double size = std::fabs(y - z), inner = std::min(size, threshold);
        return inner * (size - 0.5 * inner);
    }
    double slope(double z, double y) const { return std::clamp(z - y, -threshold, threshold); }
    double bend(double z, double y) const { return std::fabs(z - y) < threshold ? 1 : 0; }
    double low(double) const { return -threshold; }
    double high(double) const { return threshold; }
    double conjugate(double s, double y) const { return s * (y + 0.5 * s); }
    double prox(double t, double z, double y) const {
        return z - t * std::clamp((z - y) / (1 + t), -threshold, threshold);
    }
};

struct Quantile {
    double level;

    double value(double z, double y) const {
        return std::max(level * (y - z), (level - 1) * (y - z));
    }
    double slope(double z, double y) const { return z < y ? -level : z > y ? 1 - level : 0; }
    double bend(double, double) const { return 0; }
    double low(double) const { return -level; }
    double high(double) const { return 1 - level; }
    double conjugate(double s, double y) const { return s * y; }
    double prox(double t, double z, double y) const {
        return z - std::clamp(z - y, -t * level, t * (1 - level));
    }
};

}  // namespace cycloid::relu
