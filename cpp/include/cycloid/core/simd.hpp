// Elementary functions that a compiler can vectorize: branch-free, inline, accurate to about 1 ulp.
#pragma once

#include <bit>
#include <cstdint>

namespace cycloid::simd {

// exp(x) for x <= 0 (clamped at -708, where exp is the smallest normal number). Cody-Waite
// reduction x = k ln 2 + r, |r| <= ln 2 / 2, then a polynomial of degree 13 in r and a scaling by
// 2^k.
inline double exp_nonpositive(double x) {
    constexpr double log2e = 1.4426950408889634074;
    constexpr double ln2_high = 6.93147180369123816490e-01, ln2_low = 1.90821492927058770002e-10;
    constexpr double shift = 6755399441055744.0;  // 1.5 * 2^52: adding it rounds to an integer
    x = x < -708.0 ? -708.0 : x;
    const double shifted = x * log2e + shift;
    const double k = shifted - shift;
    const double r = (x - k * ln2_high) - k * ln2_low;
    double p = 1.0 / 6227020800;
    p = p * r + 1.0 / 479001600;
    p = p * r + 1.0 / 39916800;
    p = p * r + 1.0 / 3628800;
    p = p * r + 1.0 / 362880;
    p = p * r + 1.0 / 40320;
    p = p * r + 1.0 / 5040;
    p = p * r + 1.0 / 720;
    p = p * r + 1.0 / 120;
    p = p * r + 1.0 / 24;
    p = p * r + 1.0 / 6;
    p = p * r + 0.5;
    p = p * r * r + r;                                              // exp(r) - 1
    const auto bits = std::bit_cast<std::uint64_t>(shifted) << 52;  // k in the exponent field
    const double scale = std::bit_cast<double>(bits + std::bit_cast<std::uint64_t>(1.0));
    return scale + scale * p;
}

// The same in single precision, for -87 <= x <= 0.
inline float exp_nonpositive(float x) {
    constexpr float log2e = 1.44269504F, ln2_high = 0.693359375F, ln2_low = -2.12194440e-4F;
    constexpr float shift = 12582912.0F;  // 1.5 * 2^23
    const float shifted = x * log2e + shift;
    const float k = shifted - shift;
    const float r = (x - k * ln2_high) - k * ln2_low;
    float p = 1.0F / 5040;
    p = p * r + 1.0F / 720;
    p = p * r + 1.0F / 120;
    p = p * r + 1.0F / 24;
    p = p * r + 1.0F / 6;
    p = p * r + 0.5F;
    p = p * r * r + r;
    const auto bits = std::bit_cast<std::uint32_t>(shifted) << 23;
    const float scale = std::bit_cast<float>(bits + std::bit_cast<std::uint32_t>(1.0F));
    return scale + scale * p;
}

// log(1 + e) for 0 <= e <= 1: 2 atanh(s) with s = e / (2 + e) in [0, 1/3], by its series in s^2.
inline double log1p_unit(double e) {
    const double s = e / (2.0 + e), t = s * s;
    double p = 1.0 / 35;
    p = p * t + 1.0 / 33;
    p = p * t + 1.0 / 31;
    p = p * t + 1.0 / 29;
    p = p * t + 1.0 / 27;
    p = p * t + 1.0 / 25;
    p = p * t + 1.0 / 23;
    p = p * t + 1.0 / 21;
    p = p * t + 1.0 / 19;
    p = p * t + 1.0 / 17;
    p = p * t + 1.0 / 15;
    p = p * t + 1.0 / 13;
    p = p * t + 1.0 / 11;
    p = p * t + 1.0 / 9;
    p = p * t + 1.0 / 7;
    p = p * t + 1.0 / 5;
    p = p * t + 1.0 / 3;
    return 2.0 * s + 2.0 * s * t * p;
}

}  // namespace cycloid::simd
