#include <cassert>
#include <cmath>

#include "outer.hpp"

namespace cycloid::newton {
namespace {

constexpr int most_halvings = 10;  // a shorter step says that the direction is a bad one

Iterate moved(const Iterate& from, const Direction& direction, double length) {
    Iterate to;
    to.x = from.x + length * direction.x;
    to.y = from.y + length * direction.y;
    return to;
}

// The full step again, with what the constraints have bent away taken back.
Direction corrected(Outer& outer, const Direction& direction, const Vector& constraints) {
    const Index n = direction.x.size(), m = direction.y.size();
    Vector b = Vector::Zero(n + m), z = b;
    b.tail(m) = -constraints;
    outer.solver->solve(b, 0.1, z, outer.context);
    return {direction.x + z.head(n), direction.y + z.tail(m)};
}

}  // namespace

bool search_line(Outer& outer, const Found& found) {
    // The paper takes no second-order correction, and asks for more.
    const bool as_in_paper = outer.options.accuracy == Accuracy::Adaptive;
    const double sufficient = as_in_paper ? paper_sufficient : 1e-4;
    const double slope = outer.merit.slope(found.parts);
    assert(slope < 0);
    const double start = outer.merit.value(outer.current);
    const double slack = 1e-12 * std::abs(start);
    const auto accept = [&](Iterate& trial, double length) {
        const double value = outer.merit.value(trial);
        if (!(value <= start + length * sufficient * slope + slack)) return false;
        if (!evaluate_hessian(outer.problem, trial)) return false;
        const double kkt = trial.kkt();
        const bool hidden = -length * slope < slack && kkt > 0.99 * outer.least_kkt;
        outer.least_kkt = std::min(outer.least_kkt, kkt);
        outer.hidden_steps = hidden ? outer.hidden_steps + 1 : 0;
        const bool weak = length < 0.05 || outer.used_relaxation >= 1;
        outer.weak_steps = weak ? outer.weak_steps + 1 : 0;
        outer.step = length;
        outer.current = std::move(trial);
        return true;
    };
    double length = 1;
    for (int halving = 0; halving < most_halvings && !outer.context.stop(); ++halving) {
        Iterate trial = moved(outer.current, found.direction, length);
        if (trial.x == outer.current.x && trial.y == outer.current.y) return false;
        if (outer.evaluate(trial)) {
            if (accept(trial, length)) return true;
            if (halving == 0 && !as_in_paper &&
                trial.constraints.norm() > outer.current.constraints.norm()) {
                trial =
                    moved(outer.current, corrected(outer, found.direction, trial.constraints), 1);
                if (outer.evaluate(trial) && accept(trial, 1)) return true;
            }
        }
        length /= 2;
    }
    return false;
}

}  // namespace cycloid::newton
