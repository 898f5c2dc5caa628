// Normal numbers as a function of (seed, position).
#pragma once

#include <cmath>
#include <numbers>

#include "cycloid/core/random.hpp"
#include "cycloid/relu/loss.hpp"

namespace cycloid::relu {

// Independent standard normal entries (Box & Muller). Column j is the same whatever the number of
// columns.
inline Matrix normal_matrix(Index rows, Index columns, std::uint64_t seed) {
    Matrix out(rows, columns);
    const Random random(seed);
    for (Index i = 0; i < out.size(); ++i) {
        const auto counter = 2 * static_cast<std::uint64_t>(i);
        // In (0, 1]: its logarithm is finite.
        const double radius = (static_cast<double>(random.at(counter) >> 11) + 1) * 0x1.0p-53;
        const double angle = static_cast<double>(random.at(counter + 1) >> 11) * 0x1.0p-53;
        out.data()[i] = std::sqrt(-2 * std::log(radius)) * std::cos(2 * std::numbers::pi * angle);
    }
    return out;
}

}  // namespace cycloid::relu
