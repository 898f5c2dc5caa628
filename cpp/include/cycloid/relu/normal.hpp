// Normal numbers as a function of (seed, position).
#pragma once

#include "cycloid/core/random.hpp"
#include "cycloid/relu/loss.hpp"

namespace cycloid::relu {

// Independent standard normal entries. Column j is the same whatever the number of
// columns.
inline Matrix normal_matrix(Index rows, Index columns, std::uint64_t seed) {
    Matrix out(rows, columns);
    const Random random(seed);
    for (Index i = 0; i < out.size(); ++i) {
        out.data()[i] = random.normal(static_cast<std::uint64_t>(i));
    }
    return out;
}

}  // namespace cycloid::relu
