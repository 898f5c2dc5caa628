#include "check.hpp"
#include "cycloid/newton/merit.hpp"
#include "newton_problem.hpp"

using namespace cycloid::newton;
using cycloid::Index;

namespace {

Iterate at(Problem& problem, const Vector& x, const Vector& y) {
    Iterate point;
    point.x = x;
    point.y = y;
    CHECK(evaluate(problem, point));
    CHECK(evaluate_hessian(problem, point));
    return point;
}

}  // namespace

TEST_CASE("newton merit: the gradient is that of finite differences") {
    Hs40 problem;
    const Vector x{{0.7, 0.9, -0.4, 1.2}}, y{{0.3, -2, 0.8}};
    const Merit merit{3.0, 0.7};
    const Direction gradient = merit.gradient(at(problem, x, y));
    constexpr double h = 1e-6;
    const auto slope = [&](const Vector& dx, const Vector& dy) {
        return (merit.value(at(problem, x + h * dx, y + h * dy)) -
                merit.value(at(problem, x - h * dx, y - h * dy))) /
               (2 * h);
    };
    for (Index i = 0; i < 4; ++i) {
        CHECK_CLOSE(gradient.x[i], slope(Vector::Unit(4, i), Vector::Zero(3)), 1e-7);
    }
    for (Index i = 0; i < 3; ++i) {
        CHECK_CLOSE(gradient.y[i], slope(Vector::Zero(4), Vector::Unit(3, i)), 1e-7);
    }
}

TEST_CASE("newton merit: the slope from its parts is the gradient times the direction") {
    Hs40 problem;
    const Iterate point = at(problem, Vector{{0.7, 0.9, -0.4, 1.2}}, Vector{{0.3, -2, 0.8}});
    const Direction direction{Vector{{1, -2, 0.5, 3}}, Vector{{-1, 0.2, 4}}};
    const SlopeParts parts = slope_parts(point, direction);
    for (const Merit merit : {Merit{1, 0.1}, Merit{30, 5}, Merit{0, 0}}) {
        const Direction gradient = merit.gradient(point);
        CHECK_CLOSE(merit.slope(parts), gradient.x.dot(direction.x) + gradient.y.dot(direction.y),
                    1e-13);
    }
    CHECK_CLOSE(parts.curvature, direction.x.dot(point.hessian->times(direction.x)), 1e-14);
}

TEST_CASE("newton merit: a value that is not finite is seen") {
    Logarithm problem;
    Iterate point;
    point.x = Vector{{-1.0}};
    point.y = Vector(0);
    CHECK(!evaluate(problem, point));
    point.x[0] = 2;
    CHECK(evaluate(problem, point));
    CHECK_CLOSE(point.kkt(), 0.5, 1e-15);
}
