// The part of an objective that treats each coordinate alone: l1_i |v| where lower_i <= v <=
// upper_i, and infinity elsewhere.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "cycloid/core/parallel.hpp"

namespace cycloid::bcd {

struct Kink {
    double l1 = 0;
    double lower = -std::numeric_limits<double>::infinity();
    double upper = std::numeric_limits<double>::infinity();

    double value(double v) const { return v == 0 ? 0 : l1 * std::fabs(v); }
    // value(v + step) - value(v), without the cancellation.
    double change(double v, double step) const {
        const double end = v + step;
        if (v * end < 0 || v == 0) return l1 * (std::fabs(end) - std::fabs(v));
        return l1 * std::copysign(1.0, v) * step;
    }
    double project(double v) const { return std::min(std::max(v, lower), upper); }

    // argmin_v curvature (v - centre)^2 / 2 + value(v): in one dimension the box cuts off the
    // minimizer without it.
    double prox(double centre, double curvature) const {
        const double shift = l1 / curvature;
        double v = 0;
        if (centre > shift) v = centre - shift;
        if (centre < -shift) v = centre + shift;
        return project(v);
    }
    // The subdifferential at v.
    std::pair<double, double> slopes(double v) const {
        constexpr double infinity = std::numeric_limits<double>::infinity();
        const double low = v > 0 ? l1 : -l1, high = v < 0 ? -l1 : l1;
        return {v <= lower ? -infinity : low, v >= upper ? infinity : high};
    }
    // Distance of -gradient from it.
    double violation(double gradient, double v) const {
        const auto [low, high] = slopes(v);
        return std::max({0.0, low + gradient, -gradient - high});
    }
    // Whether v can move both ways without meeting a kink at once.
    bool inside(double v) const { return v > lower && v < upper && (l1 == 0 || v != 0); }
    // The interval around v on which value() is linear; at the kink the side that -gradient shows.
    std::pair<double, double> orthant(double gradient, double v) const {
        if (l1 == 0) return {lower, upper};
        const bool right = v > 0 || (v == 0 && gradient < 0);
        return right ? std::pair{std::max(lower, 0.0), upper}
                     : std::pair{lower, std::min(upper, 0.0)};
    }
};

// One Kink a coordinate; vectors of length one stand for all coordinates.
struct Separable {
    std::vector<double> l1{0.0};
    std::vector<double> lower{-std::numeric_limits<double>::infinity()};
    std::vector<double> upper{std::numeric_limits<double>::infinity()};

    Kink at(Index i) const { return {pick(l1, i), pick(lower, i), pick(upper, i)}; }
    bool smooth() const {
        const auto none = [](const std::vector<double>& values, double trivial) {
            return std::all_of(values.begin(), values.end(),
                               [&](double v) { return v == trivial; });
        };
        constexpr double infinity = std::numeric_limits<double>::infinity();
        return none(l1, 0) && none(lower, -infinity) && none(upper, infinity);
    }
    double value(const Eigen::VectorXd& x) const {
        double sum = 0;
        for (Index i = 0; i < x.size(); ++i) sum += at(i).value(x[i]);
        return sum;
    }

private:
    static double pick(const std::vector<double>& values, Index i) {
        return values.size() == 1 ? values.front() : values[static_cast<std::size_t>(i)];
    }
};

}  // namespace cycloid::bcd
