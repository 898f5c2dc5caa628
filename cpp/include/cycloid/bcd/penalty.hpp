// The separable penalty l1_j |b| + l2_j b^2 / 2 of one coefficient, with b >= 0 when `positive`.
#pragma once

#include <algorithm>
#include <cmath>

namespace cycloid::bcd {

struct Penalty {
    double l1 = 0, l2 = 0;
    bool positive = false;

    bool free() const { return l1 == 0 && !positive; }  // has no kink
    double value(double b) const { return b == 0 ? 0 : l1 * std::fabs(b) + 0.5 * l2 * b * b; }
    // value(b + step) - value(b), without the cancellation.
    double change(double b, double step) const {
        const double end = b + step;
        const double size = b * end >= 0 ? std::copysign(step, b != 0 ? b * step : 1.0)
                                         : std::fabs(end) - std::fabs(b);
        return l1 * size + l2 * step * (b + 0.5 * step);
    }

    // argmin_b curvature b^2 / 2 - c b + penalty(b). Three cases, so that zero is never -0.
    double prox(double c, double curvature) const {
        const double scale = curvature + l2;
        if (c > l1) return scale > 0 ? (c - l1) / scale : 0.0;
        if (c < -l1 && !positive) return scale > 0 ? (c + l1) / scale : 0.0;
        return 0.0;
    }
    // Distance of `slope` (minus the gradient of the loss) from the subdifferential at b.
    double violation(double slope, double b) const {
        if (b > 0) return std::fabs(slope - l1 - l2 * b);
        if (b < 0) return std::fabs(slope + l1 - l2 * b);
        return std::max((positive ? slope : std::fabs(slope)) - l1, 0.0);
    }
    // The slope the penalty itself contributes on the side of zero where b lies (or would go).
    double slope(double b, double sign) const { return l1 * sign + l2 * b; }

    // How far |slope| exceeds what the kink can hold.
    double excess(double slope) const {
        return std::max((positive ? slope : std::fabs(slope)) - l1, 0.0);
    }
    // Conjugate at v when l2 > 0.
    double conjugate(double v) const {
        const double e = excess(v);
        return e == 0 ? 0 : 0.5 * e * e / l2;
    }
};

// alpha * weight_j * (l1_ratio |b| + (1 - l1_ratio) / 2 b^2) for every feature j.
class PenaltyFamily {
public:
    PenaltyFamily(double alpha, double l1_ratio, const double* weights, bool positive)
        : alpha_(alpha),
          weights_(weights),
          unit_{l1_ratio == 0 ? 0 : alpha * l1_ratio, l1_ratio == 1 ? 0 : alpha * (1 - l1_ratio),
                positive} {}

    double alpha() const { return alpha_; }
    double weight(std::ptrdiff_t j) const { return weights_ != nullptr ? weights_[j] : 1.0; }
    Penalty at(std::ptrdiff_t j) const {
        if (weights_ == nullptr) return unit_;
        const double v = weights_[j];
        // Not 0 * infinity: an unpenalised feature stays so at alpha = infinity (the null model).
        return v == 0 ? Penalty{0, 0, unit_.positive}
                      : Penalty{v * unit_.l1, v * unit_.l2, unit_.positive};
    }

private:
    double alpha_;
    const double* weights_;  // null: all one
    Penalty unit_;
};

}  // namespace cycloid::bcd
