// The exact augmented Lagrangian by which steps are judged.
#pragma once

#include <cmath>

#include "cycloid/newton/problem.hpp"

namespace cycloid::newton {

// A point and what is known there. The Hessian is null until somebody needs it.
struct Iterate {
    Vector x, y;
    double objective = 0;
    Vector constraints, gradient;
    Map jacobian, hessian;
    Vector lagrangian_gradient;  // g + G'y

    // || (g + G'y, c) ||
    double kkt() const { return std::hypot(lagrangian_gradient.norm(), constraints.norm()); }
};

// Fills in all but the Hessian at (x, y); false if a value is not finite.
bool evaluate(Problem& problem, Iterate& point);
// Of first order there already: for new multipliers.
void set_multipliers(Iterate& point, Vector y);
// Fills in the Hessian if it is missing; false if it is known not to be finite.
bool evaluate_hessian(Problem& problem, Iterate& point);

struct Direction {
    Vector x, y;
};

// What the slope of the merit function along a direction is made of, so that other penalties cost
// no other product.
struct SlopeParts {
    double lagrangian = 0, feasibility = 0, stationarity = 0;
    double curvature = 0;  // dx'H dx
};
SlopeParts slope_parts(const Iterate& point, const Direction& direction);

// L + eta1/2 ||c||^2 + eta2/2 ||grad_x L||^2  with  L = f + y'c
struct Merit {
    static constexpr double growth = 1.5;

    double eta1 = 1, eta2 = 0.1;

    // As in the paper: both at once.
    void raise() {
        eta1 *= growth * growth;
        eta2 /= growth;
    }
    // The one that is in the way.
    void raise(const SlopeParts& parts) {
        if (parts.lagrangian + eta1 * parts.feasibility < 0) {
            eta2 /= growth;
        } else {
            raise();
        }
    }

    double value(const Iterate& point) const;
    // (grad_x L + eta1 G'c + eta2 H grad_x L,  c + eta2 G grad_x L), H the Lagrangian's Hessian
    Direction gradient(const Iterate& point) const;
    double slope(const SlopeParts& parts) const {
        return parts.lagrangian + eta1 * parts.feasibility + eta2 * parts.stationarity;
    }
    // Whether the direction descends fast enough: slope <= -eta2/2 kkt^2.
    bool descends(const SlopeParts& parts, double kkt) const {
        return slope(parts) <= -eta2 / 2 * kkt * kkt;
    }
};

}  // namespace cycloid::newton
