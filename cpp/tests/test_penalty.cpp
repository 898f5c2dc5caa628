#include "check.hpp"
#include "cycloid/bcd/penalty.hpp"

using cycloid::bcd::Penalty;
using cycloid::bcd::PenaltyFamily;

TEST_CASE("penalty: the proximal point has no violation and no better neighbour") {
    for (const bool positive : {false, true}) {
        for (const double l2 : {0.0, 0.7}) {
            const Penalty penalty{.l1 = 0.5, .l2 = l2, .positive = positive};
            for (const double c : {-3.0, -0.5, -0.1, 0.0, 0.4, 0.5, 2.0}) {
                const double curvature = 1.3;
                const double b = penalty.prox(c, curvature);
                const auto value = [&](double t) {
                    return 0.5 * curvature * t * t - c * t + penalty.value(t);
                };
                CHECK(!std::signbit(b) || b < 0);
                CHECK(!positive || b >= 0);
                CHECK(penalty.violation(c - curvature * b, b) < 1e-15);
                CHECK(value(b) <= value(b + 1e-3));
                if (!positive || b >= 1e-3) CHECK(value(b) <= value(b - 1e-3));
            }
        }
    }
}

TEST_CASE("penalty: the conjugate reaches Fenchel's bound at the slope of a point") {
    const Penalty penalty{.l1 = 0.5, .l2 = 0.7, .positive = false};
    for (const double b : {-2.0, 0.3}) {
        const double slope = penalty.slope(b, b > 0 ? 1 : -1);
        CHECK_CLOSE(penalty.value(b) + penalty.conjugate(slope), b * slope, 1e-15);
    }
    CHECK(penalty.conjugate(0.5) == 0);
}

TEST_CASE("penalty: the family gives each feature its share") {
    const double weights[] = {1.0, 0.0, 2.0};
    const PenaltyFamily family(0.4, 0.25, weights, false);
    CHECK_CLOSE(family.at(0).l1, 0.1, 1e-15);
    CHECK_CLOSE(family.at(2).l2, 0.6, 1e-15);
    CHECK(family.at(1).l1 == 0 && family.at(1).l2 == 0);
    CHECK(family.at(1).free());
    const PenaltyFamily null_model(INFINITY, 1.0, weights, false);
    CHECK(null_model.at(1).l1 == 0);
    CHECK(std::isinf(null_model.at(0).l1) && null_model.at(0).l2 == 0);
}

TEST_CASE("penalty: the change of value is exact on either side of the kink") {
    const Penalty penalty{.l1 = 0.5, .l2 = 0.7, .positive = false};
    for (const double b : {-2.0, 0.0, 0.3}) {
        for (const double step : {-3.0, -0.3, 0.0, 0.1, 2.0, 5.0}) {
            CHECK_CLOSE(penalty.change(b, step), penalty.value(b + step) - penalty.value(b), 1e-15);
        }
    }
    // A step far below the rounding of the values themselves.
    CHECK_CLOSE(penalty.change(1.0, 1e-20) / 1.2e-20, 1.0, 1e-15);
    CHECK_CLOSE(penalty.change(-1.0, 1e-20) / -1.2e-20, 1.0, 1e-15);
}
