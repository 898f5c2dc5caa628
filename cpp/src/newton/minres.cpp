#include <cmath>

#include "cycloid/newton/inner.hpp"

namespace cycloid::newton {
namespace {

// Paige & Saunders, SIAM J. Numer. Anal. 12 (1975): the least residual over the Krylov space of a
// symmetric matrix, definite or not.
class Minres final : public LinearSolver {
public:
    explicit Minres(const InnerOptions& options) : options_(options) {}

    Inertia prepare(const System& system, const Context&) override {
        system_ = system;
        return Inertia::Unknown;
    }
    Index iterations() const override { return iterations_; }

    double solve(const Vector& b, double tolerance, Vector& z, const Context& context) override {
        const double scale = b.norm();
        if (!(scale > 0)) {
            z.setZero();
            return 0;
        }
        double reached = (b - system_.times(z)).norm() / scale;
        // Without rounding errors it ends within as many iterations as there are unknowns.
        Index left = std::min(options_.max_inner, 20 * b.size());
        // The residual that the recurrence knows drifts from the true one: start afresh from that.
        while (reached > tolerance && left > 0 && !context.stop()) {
            Vector best = z;
            descend(b, tolerance * scale, best, left, context);
            const double now = (b - system_.times(best)).norm() / scale;
            if (!(now < reached)) break;
            const bool stuck = now > 0.9 * reached;
            reached = now;
            z = std::move(best);
            if (stuck) break;
        }
        return std::isfinite(reached) ? reached : std::numeric_limits<double>::infinity();
    }

private:
    void descend(const Vector& b, double target, Vector& z, Index& left, const Context& context) {
        Vector v = b - system_.times(z), previous = Vector::Zero(v.size());
        double beta = v.norm(), eta = beta;
        v /= beta;
        double c = 1, c_old = 1, s = 0, s_old = 0;
        Vector w = Vector::Zero(v.size()), w_old = w;
        for (; left > 0 && std::abs(eta) > target && !context.stop(); --left) {
            ++iterations_;
            Vector next = system_.times(v);
            const double alpha = v.dot(next);
            next -= alpha * v + beta * previous;
            const double beta_next = next.norm();
            // The new column of the tridiagonal matrix, turned by the two last rotations.
            const double rho3 = s_old * beta;
            const double rho2 = s * alpha + c_old * c * beta;
            const double delta = c * alpha - c_old * s * beta;
            const double rho1 = std::hypot(delta, beta_next);
            if (!(rho1 > 0)) return;
            c_old = c, s_old = s;
            c = delta / rho1, s = beta_next / rho1;
            Vector direction = (v - rho3 * w_old - rho2 * w) / rho1;
            z += c * eta * direction;
            eta *= -s;
            w_old = std::move(w), w = std::move(direction);
            if (!(beta_next > std::numeric_limits<double>::epsilon() * rho1)) return;
            previous = std::move(v), v = std::move(next);
            v /= beta_next;
            beta = beta_next;
        }
    }

    InnerOptions options_;
    System system_;
    Index iterations_ = 0;
};

}  // namespace

std::unique_ptr<LinearSolver> make_minres(const InnerOptions& options) {
    return std::make_unique<Minres>(options);
}

}  // namespace cycloid::newton
