// Where activation patterns come from: samples of them, the points of given neurons, or all there
// are.
#pragma once

#include "cycloid/relu/program.hpp"

namespace cycloid::relu {

struct DistinctPatterns {
    Patterns patterns;
    std::vector<Index> pattern_of;  // each point's
};

// The patterns 1[X a >= 0] of points a (columns), each once, in the order of their first points,
// which are their generators. A point on a wall x_k'a = 0 of its cone is moved off it, into a cone
// that it bounds.
DistinctPatterns distinct_patterns(const MatrixView& x, Matrix points, const Context& context);

enum class PatternSource { Gaussian, Differences };

// Points for patterns: standard normal ones, or normals of hyperplanes that pass between two random
// rows of X, x_i - x_j less its part along a random point of the segment from x_i to x_j.
Matrix sample_points(const MatrixView& x, PatternSource source, Index count, std::uint64_t seed);

// `count` distinct patterns, or fewer where they have become rare.
Patterns sample_patterns(const MatrixView& x, PatternSource source, Index count, std::uint64_t seed,
                         const Context& context);

// Distinct patterns 1[(X + radius sign(R)) a >= 0] with Gaussian R and a, for robust training. Such
// a pattern need not be one of X: then its generator is zero.
Patterns sample_perturbed_patterns(const MatrixView& x, double radius, Index count,
                                   std::uint64_t seed, const Context& context);

// 2 sum_{k < rank} C(lines - 1, k), where `lines` counts the rows of X that are not zero and not
// multiples of each other: the number of patterns with an interior if X is in general position,
// else a bound of it (Cover, IEEE Transactions on Electronic Computers EC-14, 1965).
double pattern_count(const MatrixView& x);

// All patterns whose cones have an interior, with generators inside. It takes time and memory of
// the order n * pattern_count(x), so ask for that first. Interrupted, it returns some of them.
Patterns all_patterns(const MatrixView& x, const Context& context);

}  // namespace cycloid::relu
