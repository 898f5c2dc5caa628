// Small programs of the ReLU engine for tests.
#pragma once

#include <cmath>

#include "cycloid/core/random.hpp"
#include "cycloid/relu/program.hpp"

namespace relu_problem {

using cycloid::Index;
using cycloid::Random;
using cycloid::relu::Matrix;

// Box and Muller.
inline Matrix gaussian(Index rows, Index columns, std::uint64_t seed) {
    Random random(seed);
    return Matrix::NullaryExpr(rows, columns, [&] {
        const double u = random.uniform(), v = random.uniform();
        return std::sqrt(-2 * std::log(1 - u)) * std::cos(2 * 3.14159265358979323846 * v);
    });
}

inline cycloid::relu::Patterns patterns_of(const Matrix& x, Index count, std::uint64_t seed) {
    cycloid::relu::Patterns patterns;
    patterns.generators = gaussian(x.cols(), count, seed);
    patterns.generators.colwise().normalize();
    patterns.active = ((x * patterns.generators).array() >= 0).cast<std::uint8_t>();
    return patterns;
}

// Directions +e_k and -e_k of every output for every pattern.
inline cycloid::relu::Blocks signed_blocks(Index patterns, Index outputs) {
    cycloid::relu::Blocks blocks;
    blocks.direction = Matrix::Zero(outputs, 2 * patterns * outputs);
    for (Index p = 0; p < patterns; ++p) {
        for (Index k = 0; k < outputs; ++k) {
            for (const double sign : {1.0, -1.0}) {
                blocks.direction(k, static_cast<Index>(blocks.pattern.size())) = sign;
                blocks.pattern.push_back(p);
            }
        }
    }
    return blocks;
}

}  // namespace relu_problem
