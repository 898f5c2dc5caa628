// The zero of a function of one variable that does not decrease.
#pragma once

#include <algorithm>
#include <cmath>
#include <utility>

namespace cycloid::relu {

// `function(x)` returns the value and a slope (zero if unknown). Newton steps inside a bracket,
// halving it where they fail, as at a jump. `scale`: a value this small is zero.
template <class Function>
double monotone_root(const Function& function, double scale) {
    constexpr int most = 200;
    double low = -INFINITY, high = INFINITY, x = 0, reach = 1, last = INFINITY;
    for (int k = 0; k < most; ++k) {
        const auto [value, slope] = function(x);
        if (!(std::abs(value) > scale)) break;
        (value > 0 ? high : low) = x;
        double next = slope > 0 ? x - value / slope : INFINITY;
        const bool bracketed = std::isfinite(low) && std::isfinite(high);
        if (bracketed) {
            const double middle = low + 0.5 * (high - low);
            if (middle == low || middle == high) break;
            // A Newton step that does not halve the value is followed by a bisection.
            if (!(next > low && next < high) || std::abs(value) > 0.5 * last) next = middle;
        } else if (!(std::abs(next - x) <= reach)) {
            next = value > 0 ? x - reach : x + reach;
            reach *= 2;
        }
        last = std::abs(value);
        x = next;
    }
    return x;
}

}  // namespace cycloid::relu
