#include <limits>

#include "check.hpp"
#include "cycloid/core/simd.hpp"

namespace {

// |got - expected| in units of the last place of `expected`.
double ulps(double got, long double expected) {
    const auto rounded = static_cast<double>(expected);
    const double unit = std::nextafter(rounded, std::numeric_limits<double>::infinity()) - rounded;
    return static_cast<double>(std::abs(static_cast<long double>(got) - expected) / unit);
}

}  // namespace

TEST_CASE("simd: exp is within 2 ulp on [-708, 0]") {
    double worst = 0;
    for (int i = 0; i <= 200000; ++i) {
        const double x = i < 100000 ? -708.0 * i / 100000 : -1.0 * (i - 100000) / 100000;
        worst = std::max(worst, ulps(cycloid::simd::exp_nonpositive(x), std::exp((long double)x)));
    }
    CHECK(worst < 2);
    CHECK(cycloid::simd::exp_nonpositive(0.0) == 1.0);
    CHECK(cycloid::simd::exp_nonpositive(-std::numeric_limits<double>::infinity()) < 1e-307);
}

TEST_CASE("simd: log(1 + e) is within 4 ulp on [0, 1]") {
    double worst = 0;
    for (int i = 1; i <= 100000; ++i) {
        const double e = i / 100000.0;
        worst = std::max(worst, ulps(cycloid::simd::log1p_unit(e), std::log1p((long double)e)));
    }
    CHECK(worst < 4);
    CHECK(cycloid::simd::log1p_unit(0.0) == 0.0);
    CHECK_CLOSE(cycloid::simd::log1p_unit(1e-300) * 1e300, 1.0, 1e-15);
}
