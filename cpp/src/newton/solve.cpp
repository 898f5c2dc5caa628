#include "cycloid/newton/solve.hpp"

#include <cmath>

#include "outer.hpp"

namespace cycloid::newton {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double large_multiplier = 1e3;
constexpr int most_restorations = 10;
constexpr int most_weak_steps = 5, most_hidden_steps = 10;

double largest(const Vector& v) { return v.size() > 0 ? v.lpNorm<Eigen::Infinity>() : 0.0; }

void choose_multipliers(Outer& outer, Vector y) {
    // Where the constraints' gradients are almost dependent they say nothing.
    if (!y.allFinite() || largest(y) > large_multiplier) y.setZero();
    set_multipliers(outer.current, std::move(y));
}

void choose_solver(Outer& outer) {
    const Options& options = outer.options;
    if (options.inner == Inner::Auto) outer.solver = outer.problem.make_solver();
    if (outer.solver != nullptr) return;
    const System system{outer.current.hessian, outer.current.jacobian};
    outer.solver = make_solver(options.inner, system, options.inner_options);
}

bool start(Outer& outer) {
    Iterate& point = outer.current;
    const Index m = outer.problem.m();
    point.y = outer.options.y != nullptr ? Vector(Eigen::Map<const Vector>(outer.options.y, m))
                                         : Vector(Vector::Zero(m));
    if (!outer.evaluate(point)) return false;
    outer.first_objective = point.objective;
    outer.first_size = largest(point.x);
    const bool sparse = point.jacobian->sparse() != nullptr;
    if (outer.options.y == nullptr && !sparse) {
        choose_multipliers(outer, least_squares_multipliers(point, outer.context));
    }
    if (!evaluate_hessian(outer.problem, point)) return false;
    choose_solver(outer);
    if (outer.options.y != nullptr || !sparse) return true;
    choose_multipliers(outer, first_multipliers(outer));
    return evaluate_hessian(outer.problem, point);
}

// So far away rounding errors are as large as the problem: more steps would tell nothing new.
bool unbounded(const Outer& outer) {
    const Iterate& point = outer.current;
    return point.objective < -1e12 * std::max(1.0, std::abs(outer.first_objective)) &&
           largest(point.x) > 1e4 * std::max(1.0, outer.first_size);
}

// A step that had to be cut short would have been as long with such a shift at once, and in a
// better direction (Levenberg). Full steps need it less and less.
void damp(Outer& outer, const Direction& direction, double gradient) {
    const double size = direction.x.norm();
    if (outer.step < 0.25 && size > 0) {
        outer.damping = std::max(outer.damping, gradient / (outer.step * size));
    } else if (outer.step >= 0.5) {
        outer.damping *= std::min(0.1, outer.current.kkt());
    }
}

// One step by Newton's method; false if none descends.
bool step(Outer& outer) {
    const bool adaptive = outer.options.accuracy == Accuracy::Adaptive;
    double least_shift = adaptive ? 0 : outer.damping;
    const double gradient = outer.current.lagrangian_gradient.norm();
    for (int attempt = 0; attempt < 4 && !outer.context.stop(); ++attempt) {
        Found found;
        const bool descends = adaptive && attempt == 0 ? find_adaptive_direction(outer, found)
                                                       : find_direction(outer, least_shift, found);
        if (descends && search_line(outer, found)) {
            damp(outer, found.direction, gradient);
            return true;
        }
        if (!descends && !adaptive) return false;
        // What was needed far away may be a burden here.
        if (attempt == 0 && outer.forget_penalties()) continue;
        least_shift = std::max(1e-4, 100 * outer.used_shift);
    }
    return false;
}

Status restore(Outer& outer, int& restorations) {
    if (largest(outer.current.constraints) <= outer.options.tol) return Status::Stalled;
    if (++restorations > most_restorations) return Status::Stalled;
    const Status status = restore_feasibility(outer);
    if (status != Status::Converged) return status;
    // Otherwise the next steps could lead to where this one came from.
    outer.first_merit.eta1 *= 10;
    outer.merit = outer.first_merit;
    outer.weak_steps = 0;
    outer.damping = 0;
    choose_multipliers(outer, least_squares_multipliers(outer.current, outer.context));
    if (!evaluate_hessian(outer.problem, outer.current)) return Status::NumericalError;
    return Status::Converged;
}

// Many weak steps in sequence lead nowhere; nearer to the constraints they may be stronger.
bool creeps(const Outer& outer) {
    return outer.weak_steps >= most_weak_steps &&
           largest(outer.current.constraints) > outer.options.tol;
}

Status run(Outer& outer) {
    if (!start(outer)) return Status::NumericalError;
    int restorations = 0;
    for (;;) {
        const bool done = outer.current.kkt() <= outer.options.tol;
        if (outer.report() && !done) return outer.context.monitor->reason();
        if (done) return Status::Converged;
        if (unbounded(outer)) return Status::Unbounded;
        if (outer.exhausted()) return Status::MaxIter;
        if (!creeps(outer) && step(outer)) {
            outer.phase = Phase::Newton;
            ++outer.out.n_iter;
            if (outer.hidden_steps > most_hidden_steps) return Status::Stalled;
            continue;
        }
        if (outer.context.stop()) return outer.context.monitor->reason();
        const Status status = restore(outer, restorations);
        if (status != Status::Converged) return status;
    }
}

}  // namespace

bool Outer::forget_penalties() {
    if (forgotten == most_forgotten || merit.eta1 == first_merit.eta1) return false;
    ++forgotten;
    merit = first_merit;
    return true;
}

bool Outer::report() {
    if (solver != nullptr) out.n_inner = solver->iterations();
    out.trace.push({static_cast<double>(out.n_iter), context.monitor->seconds(), current.objective,
                    current.kkt(), largest(current.constraints), step, used_shift, merit.eta1,
                    merit.eta2, inner_residual, static_cast<double>(out.n_inner),
                    static_cast<double>(phase)});
    return context.monitor->report(out.trace, true);
}

Solution solve(Problem& problem, Vector x, const Options& options, Monitor& monitor) {
    Solution out;
    Outer outer(problem, options, monitor, out);
    outer.current.x = std::move(x);
    out.status = run(outer);
    const Iterate& point = outer.current;
    const bool evaluated = point.jacobian != nullptr && point.lagrangian_gradient.size() > 0;
    out.x = point.x;
    out.y = point.y;
    out.objective = point.objective;
    out.violation = evaluated ? point.kkt() : infinity;
    out.constraint_violation = evaluated ? largest(point.constraints) : infinity;
    return out;
}

}  // namespace cycloid::newton
