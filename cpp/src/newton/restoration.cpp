#include <cmath>

#include "outer.hpp"

namespace cycloid::newton {
namespace {

// The second derivatives of ||c||^2 / 2 less G'G: sum_i c_i Hess c_i.
Map constraint_curvature(Problem& problem, const Iterate& point) {
    return difference(problem.hessian(point.x, point.constraints),
                      problem.hessian(point.x, Vector::Zero(point.constraints.size())));
}

// A step on ||c||^2 / 2 from  [ C + shift I, G'; G, -I ] [d; w] = [0; -c],  C the curvature: that
// system has n positive and m negative eigenvalues where C + shift I + G'G is positive definite.
class Restoration {
public:
    explicit Restoration(Outer& outer) : outer_(outer) {}

    Status run() {
        Iterate& point = outer_.current;
        const double target = std::max(0.1 * point.constraints.norm(), 0.1 * outer_.options.tol);
        // Whoever called has reported the first point, and will report the last.
        for (bool first = true; point.constraints.norm() > target; first = false) {
            if (!first && outer_.report()) return outer_.context.monitor->reason();
            if (outer_.exhausted()) return Status::MaxIter;
            gradient_ = point.jacobian->transposed_times(point.constraints);
            if (gradient_.norm() <= 1e-8 * std::min(1.0, point.constraints.norm())) {
                return Status::Infeasible;
            }
            if (!find_step() || !search()) {
                if (outer_.context.stop()) return outer_.context.monitor->reason();
                const bool least = -gradient_.dot(step_) <= 1e-9 * point.constraints.squaredNorm();
                return least ? Status::Infeasible : Status::Stalled;
            }
            outer_.phase = Phase::Restoration;
            ++outer_.out.n_iter;
        }
        return Status::Converged;
    }

private:
    bool find_step() {
        Iterate& point = outer_.current;
        const Index n = point.x.size(), m = point.constraints.size();
        System system{constraint_curvature(outer_.problem, point), point.jacobian, shift_, 1.0};
        if (!system.hessian->finite()) {
            system.hessian = make_identity(n, 0.0, point.jacobian->sparse() != nullptr);
        }
        if (solver_ == nullptr) solver_ = make_solver(Inner::Auto, system, {});
        Vector b = Vector::Zero(n + m);
        b.tail(m) = -point.constraints;
        for (int attempt = 0; attempt < 40 && !outer_.context.stop(); ++attempt) {
            const Inertia inertia = solver_->prepare(system, outer_.context);
            if (inertia == Inertia::Correct || inertia == Inertia::Unknown) {
                Vector z = Vector::Zero(n + m);
                outer_.inner_residual = solver_->solve(b, 1e-3, z, outer_.context);
                step_ = z.head(n);
                if (outer_.inner_residual <= 0.1 && gradient_.dot(step_) < 0) {
                    outer_.used_shift = shift_ = system.shift;
                    return true;
                }
            }
            system.shift *= 10;
        }
        return false;
    }

    bool search() {
        const Iterate& point = outer_.current;
        const double start = point.constraints.squaredNorm() / 2;
        const double slope = gradient_.dot(step_);
        double length = 1;
        for (int halving = 0; halving < 40 && !outer_.context.stop(); ++halving, length /= 2) {
            Iterate trial;
            trial.x = point.x + length * step_;
            trial.y = point.y;
            if (trial.x == point.x) return false;
            if (!outer_.evaluate(trial)) continue;
            if (trial.constraints.squaredNorm() / 2 > start + 1e-4 * length * slope) continue;
            outer_.current = std::move(trial);
            outer_.step = length;
            if (length == 1) shift_ = std::max(shift_ / 10, least_shift);
            if (length < 0.25) shift_ *= 10;
            return true;
        }
        return false;
    }

    static constexpr double least_shift = 1e-8;

    Outer& outer_;
    std::unique_ptr<LinearSolver> solver_;
    double shift_ = 1e-4;
    Vector gradient_, step_;
};

}  // namespace

Status restore_feasibility(Outer& outer) { return Restoration(outer).run(); }

}  // namespace cycloid::newton
