// What the parts of the outer loop share.
#pragma once

#include <algorithm>
#include <limits>

#include "cycloid/newton/solve.hpp"

namespace cycloid::newton {

// The shift that makes the Hessian positive definite where the constraints leave freedom, found by
// trial; what was found helps at the next point (Waechter & Biegler 2006, Algorithm IC).
class Shift {
public:
    double after(double tried) const {
        if (tried == 0) return last_ == 0 ? 1e-4 : std::max(1e-20, last_ / 3);
        return tried * (last_ == 0 ? 100 : 8);
    }
    void keep(double found) {
        if (found > 0) last_ = found;
    }

private:
    double last_ = 0;
};

constexpr int most_forgotten = 20;
constexpr double paper_sufficient = 0.1;  // share of the slope that a step must reach

enum class Phase { Newton = 0, Restoration = 1 };

struct Outer {
    Outer(Problem& its_problem, const Options& its_options, Monitor& monitor, Solution& solution)
        : problem(its_problem),
          options(its_options),
          context{its_options.n_threads, &monitor},
          out(solution),
          merit(its_options.penalties),
          first_merit(merit),
          delta(its_options.delta) {}

    Problem& problem;
    const Options& options;
    Context context;
    Solution& out;
    Iterate current;
    Merit merit, first_merit;
    double delta;  // the paper's
    Shift shift;
    double damping = 0;  // shift that the next steps need, or they would be cut short
    std::unique_ptr<LinearSolver> solver;
    int forgotten = 0;
    int weak_steps = 0;    // of the last steps, all short or of much relaxed constraints
    int hidden_steps = 0;  // of the last steps, whose descent is less than rounding errors
    double least_kkt = std::numeric_limits<double>::infinity();
    double first_objective = 0, first_size = 0;
    // Of the last step, for the trace.
    Phase phase = Phase::Newton;
    double step = 0, used_shift = 0, used_relaxation = 0, inner_residual = 0;

    bool evaluate(Iterate& point) {
        ++out.n_evaluations;
        return newton::evaluate(problem, point);
    }
    // Back to the first penalties; not more than a few times, so that they settle in the end.
    bool forget_penalties();
    bool exhausted() const { return out.n_iter >= options.max_iter; }
    // A row of the trace, which the observer always hears of; true if the solve is to stop.
    bool report();
};

// A direction, and what the slope along it is made of.
struct Found {
    Found() = default;
    Found(const Iterate& point, const Vector& z)
        : direction{z.head(point.x.size()), z.tail(point.y.size())},
          parts(slope_parts(point, direction)) {}

    Direction direction;
    SlopeParts parts;
};

Vector newton_right_side(const Iterate& point);  // -(g + G'y, c)

// A direction of descent of the merit function at outer.current, whose penalties it may change,
// with a shift of at least `least_shift`. False if there is none. The solver is left prepared for
// it.
bool find_direction(Outer& outer, double least_shift, Found& found);
// The same by the paper's rules for shift and accuracy.
bool find_adaptive_direction(Outer& outer, Found& found);

// Moves outer.current along the direction; false if no step is short enough.
bool search_line(Outer& outer, const Found& found);

// Lowers ||c|| by a Newton method of its own until it is a tenth; Converged then. Infeasible at a
// stationary point of ||c||^2 that is none of the constraints.
Status restore_feasibility(Outer& outer);

// argmin_y || g + G'y ||
Vector least_squares_multipliers(const Iterate& point, const Context& context);
// The same in the norm of the inverse of the Hessian that outer.current has, where that is positive
// definite along the constraints.
Vector first_multipliers(Outer& outer);

}  // namespace cycloid::newton
