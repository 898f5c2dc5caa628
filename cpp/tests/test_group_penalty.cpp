// The penalty of a group: its parts against each other.
#include <numeric>

#include "check.hpp"
#include "cycloid/bcd/group_penalty.hpp"
#include "cycloid/core/random.hpp"

using cycloid::Random;
using cycloid::bcd::GroupPenalty;

namespace {

std::vector<double> numbers(Random& random, std::size_t count, double scale) {
    std::vector<double> v(count);
    for (double& x : v) x = scale * (2 * random.uniform() - 1);
    return v;
}

const std::vector<GroupPenalty> penalties{{0.3, 0, 0},     {0, 0.5, 0},     {0.2, 0.4, 0},
                                          {0.2, 0.4, 0.7}, {0, 0, 1.5},     {0, 0, 0},
                                          {0, 1e-9, 0},    {1e3, 1e3, 1e3}, {0, 0.5, 1e6}};

}  // namespace

TEST_CASE("group penalty: the proximal point has no violation, whatever the curvatures") {
    Random random(3);
    for (const GroupPenalty& penalty : penalties) {
        for (const double scale : {1e-3, 1.0, 1e4}) {
            const std::vector<double> c = numbers(random, 5, scale);
            std::vector<double> curvature = numbers(random, 5, 1.0), b = c;
            for (double& d : curvature) d = 1e-3 + d * d;
            penalty.prox(b, curvature);
            std::vector<double> slope(5);
            for (std::size_t k = 0; k < 5; ++k) slope[k] = c[k] - curvature[k] * b[k];
            CHECK(penalty.violation(slope, b) <= 1e-12 * scale);
            for (const double v : b) CHECK(v != 0 || !std::signbit(v));
        }
    }
}

TEST_CASE("group penalty: a group without curvature stays where it is") {
    std::vector<double> c{0.0, 0.0};
    const std::vector<double> none{0.0, 0.0};
    GroupPenalty{0.1, 0.2, 0}.prox(c, none);
    CHECK(c[0] == 0 && c[1] == 0);
    std::vector<double> mixed{3.0, 0.0};
    GroupPenalty{0, 1, 0}.prox(mixed, std::vector<double>{2.0, 0.0});
    CHECK_CLOSE(mixed[0], 1.0, 1e-14);
    CHECK(mixed[1] == 0);
}

TEST_CASE(
    "group penalty: value and conjugate meet Fenchel's inequality, with equality at the slope") {
    Random random(4);
    for (const GroupPenalty& penalty : penalties) {
        if (penalty.l2 == 0) continue;
        for (int trial = 0; trial < 20; ++trial) {
            const std::vector<double> v = numbers(random, 4, 3.0), other = numbers(random, 4, 2.0);
            std::vector<double> b = v;
            penalty.prox(b, std::vector<double>(4, 0.0));  // argmax of v'b - penalty(b)
            const double product = std::inner_product(v.begin(), v.end(), b.begin(), 0.0);
            CHECK_CLOSE(penalty.conjugate(v), product - penalty.value(b), 1e-12);
            const double rest = std::inner_product(v.begin(), v.end(), other.begin(), 0.0);
            CHECK(penalty.conjugate(v) >= rest - penalty.value(other) - 1e-12);
        }
    }
}

TEST_CASE("group penalty: the feasible scale is the largest") {
    Random random(5);
    for (const GroupPenalty& penalty : penalties) {
        if (penalty.free()) continue;
        for (const double size : {1e-17, 1e-3, 1.0, 1e6}) {
            const std::vector<double> v = numbers(random, 6, size);
            for (const double most : {1.0, 1e17, double(INFINITY)}) {
                const double scale = penalty.feasible_scale(v, most);
                CHECK(scale > 0 && scale <= most);
                CHECK(penalty.thresholded_length(v, scale) <=
                      penalty.norm * (1 + 1e-12) + 1e-12 * penalty.l1);
                if (scale < most) {
                    CHECK(penalty.thresholded_length(v, 1.001 * scale) > penalty.norm);
                }
            }
        }
        const std::vector<double> zero(3, 0.0);
        CHECK(penalty.feasible_scale(zero, 2.0) == 2.0);
    }
}
