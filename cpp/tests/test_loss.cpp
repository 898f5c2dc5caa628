#include <array>
#include <vector>

#include "check.hpp"
#include "cycloid/bcd/loss.hpp"

using cycloid::Index;

namespace {

constexpr Index n = 5;
constexpr std::array<double, n> w{0.1, 0.3, 0.0, 0.4, 0.2};
constexpr std::array<double, n> labels{1, -1, 1, 1, -1};
constexpr std::array<double, n> z{0.3, -2.0, 1.0, 40.0, 3.5};

// u is minus the derivative of the value and h the second derivative, by central differences.
template <class Loss>
void check_derivatives(const double* y) {
    std::array<double, n> u{};
    std::array<double, n> h{};
    const double value = Loss::derivatives(n, y, w.data(), z.data(), u.data(), h.data());
    CHECK_CLOSE(value, Loss::value(n, y, w.data(), z.data()), 1e-15);
    const double step = 1e-4;
    for (std::size_t i = 0; i < n; ++i) {
        auto up = z;
        auto down = z;
        up[i] += step;
        down[i] -= step;
        const double above = Loss::value(n, y, w.data(), up.data());
        const double below = Loss::value(n, y, w.data(), down.data());
        CHECK_CLOSE(u[i], -(above - below) / (2 * step), 1e-8);
        CHECK_CLOSE(h[i], (above - 2 * value + below) / (step * step), 1e-5);
        CHECK(h[i] <= w[i] * Loss::smoothness);
    }
    // At the loss's own dual point the dual value is the loss less its linear part (Fenchel).
    double c = 0;
    const double dual = Loss::dual(n, y, w.data(), u.data(), 1.0, true, c);
    double linear = 0;
    for (std::size_t i = 0; i < n; ++i) linear += u[i] * z[i];
    CHECK_CLOSE(dual, value + linear, 1e-13);
}

}  // namespace

TEST_CASE("loss: derivatives and dual of the squared loss") {
    constexpr std::array<double, n> y{0.5, -1.0, 2.0, 39.0, 3.0};
    check_derivatives<cycloid::bcd::Squared>(y.data());
}

TEST_CASE("loss: derivatives and dual of the logistic loss") {
    check_derivatives<cycloid::bcd::Logistic>(labels.data());
}

TEST_CASE("loss: the best constant predictor has no slope") {
    const double squared = cycloid::bcd::Squared::null_predictor(n, labels.data(), w.data());
    const double logistic = cycloid::bcd::Logistic::null_predictor(n, labels.data(), w.data());
    std::array<double, n> u{};
    std::array<double, n> h{};
    std::array<double, n> constant{};
    const auto sum = [&] { return u[0] + u[1] + u[2] + u[3] + u[4]; };
    constant.fill(squared);
    cycloid::bcd::Squared::derivatives(n, labels.data(), w.data(), constant.data(), u.data(),
                                       h.data());
    CHECK(std::abs(sum()) < 1e-15);
    constant.fill(logistic);
    cycloid::bcd::Logistic::derivatives(n, labels.data(), w.data(), constant.data(), u.data(),
                                        h.data());
    CHECK(std::abs(sum()) < 1e-15);
}

TEST_CASE("loss: huge margins stay finite") {
    constexpr std::array<double, 2> weight{0.5, 0.5};
    constexpr std::array<double, 2> y{1, -1};
    constexpr std::array<double, 2> huge{1e300, 1e300};
    std::array<double, 2> u{};
    std::array<double, 2> h{};
    const double value = cycloid::bcd::Logistic::derivatives(2, y.data(), weight.data(),
                                                             huge.data(), u.data(), h.data());
    CHECK_CLOSE(value / 5e299, 1.0, 1e-15);
    CHECK(std::abs(u[0]) < 1e-300);
    CHECK(u[1] == -0.5);
    CHECK(h[0] < 1e-300 && h[1] < 1e-300);
}
