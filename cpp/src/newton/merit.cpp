#include "cycloid/newton/merit.hpp"

#include <cmath>

namespace cycloid::newton {

bool evaluate(Problem& problem, Iterate& point) {
    point.hessian = nullptr;
    point.objective = problem.objective(point.x);
    if (!std::isfinite(point.objective)) return false;
    point.constraints = problem.constraints(point.x);
    if (!point.constraints.allFinite()) return false;
    point.gradient = problem.gradient(point.x);
    if (!point.gradient.allFinite()) return false;
    point.jacobian = problem.jacobian(point.x);
    if (!point.jacobian->finite()) return false;
    set_multipliers(point, std::move(point.y));
    return point.lagrangian_gradient.allFinite();
}

void set_multipliers(Iterate& point, Vector y) {
    point.y = std::move(y);
    point.hessian = nullptr;
    point.lagrangian_gradient = point.gradient;
    if (point.y.size() > 0) point.lagrangian_gradient += point.jacobian->transposed_times(point.y);
}

bool evaluate_hessian(Problem& problem, Iterate& point) {
    if (point.hessian == nullptr) point.hessian = problem.hessian(point.x, point.y);
    return point.hessian->finite();
}

SlopeParts slope_parts(const Iterate& point, const Direction& direction) {
    SlopeParts parts;
    const Vector& gradient = point.lagrangian_gradient;
    Vector change = point.hessian->times(direction.x);
    parts.curvature = direction.x.dot(change);
    parts.lagrangian = gradient.dot(direction.x);
    if (direction.y.size() > 0) {
        change += point.jacobian->transposed_times(direction.y);
        parts.lagrangian += point.constraints.dot(direction.y);
        parts.feasibility = point.constraints.dot(point.jacobian->times(direction.x));
    }
    parts.stationarity = gradient.dot(change);
    return parts;
}

double Merit::value(const Iterate& point) const {
    return point.objective + point.y.dot(point.constraints) +
           eta1 / 2 * point.constraints.squaredNorm() +
           eta2 / 2 * point.lagrangian_gradient.squaredNorm();
}

Direction Merit::gradient(const Iterate& point) const {
    const Vector& gradient = point.lagrangian_gradient;
    Direction out{gradient + eta2 * point.hessian->times(gradient), point.constraints};
    if (out.y.size() > 0) {
        out.x += eta1 * point.jacobian->transposed_times(point.constraints);
        out.y += eta2 * point.jacobian->times(gradient);
    }
    return out;
}

}  // namespace cycloid::newton
