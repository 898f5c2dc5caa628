// Block coordinate ascent on the dual: by f, by g, and by their common translation.
#include "cycloid/ot/unbalanced.hpp"

#include <algorithm>
#include <cmath>

#include "cycloid/ot/soft_min.hpp"

namespace cycloid::ot {
namespace {

// d exp(d) - exp(d) + 1, which is d^2 / 2 near zero and never negative.
double excess(double d) { return std::max(d * std::exp(d) - std::expm1(d), 0.0); }

// One side: its masses, and what its potential costs.
struct Side {
    std::vector<double> mass, log_mass;
    double rho, total = 0;

    Side(const double* masses, Index count, double strength)
        : mass(masses, masses + count), log_mass(mass.size()), rho(strength) {
        for (std::size_t i = 0; i < mass.size(); ++i) {
            log_mass[i] = std::log(mass[i]);
            total += mass[i];
        }
    }
    // body(i) over the bins with mass, summed.
    template <class Body>
    double sum(const Body& body) const {
        double out = 0;
        for (std::size_t i = 0; i < mass.size(); ++i) {
            if (mass[i] > 0) out += mass[i] * body(i);
        }
        return out;
    }
    // log sum_i mass_i exp(-potential_i / rho)
    double log_paid(View potential) const {
        double largest = -std::numeric_limits<double>::infinity();
        for (std::size_t i = 0; i < mass.size(); ++i) {
            if (mass[i] > 0) largest = std::max(largest, -potential[i] / rho);
        }
        return largest + std::log(sum([&](std::size_t i) {
                   return std::exp(-potential[i] / rho - largest);
               }));
    }
};

class UnbalancedSolver {
public:
    UnbalancedSolver(const UnbalancedProblem& problem, const UnbalancedOptions& options,
                     Monitor& monitor)
        : problem_(problem),
          options_(options),
          monitor_(monitor),
          context_{options.n_threads, &monitor},
          a_(problem.a, problem.cost.rows(), problem.rho_a),
          b_(problem.b, problem.cost.columns(), problem.rho_b),
          minima_(a_.mass.size()) {
        out_.f.assign(a_.mass.size(), 0.0);
        out_.g.assign(b_.mass.size(), 0.0);
        if (options.g != nullptr) std::copy_n(options.g, out_.g.size(), out_.g.begin());
    }

    Unbalanced run() {
        soft_min_rows(problem_.cost, out_.g, b_.log_mass, problem_.reg, minima_, context_);
        Unbalanced before = out_;
        for (Index n = 1; n <= options_.max_iter; ++n) {
            std::swap(before, out_);
            step();
            if (!std::isfinite(out_.gap)) {
                before.status = Status::NumericalError;
                before.trace = std::move(trace_);
                return before;
            }
            trace_.push({static_cast<double>(n), monitor_.seconds(), out_.gap});
            const bool stop = monitor_.report(trace_, true);
            if (out_.gap <= options_.tol || stop) {
                out_.status = out_.gap <= options_.tol ? Status::Converged : monitor_.reason();
                break;
            }
        }
        out_.trace = std::move(trace_);
        return std::move(out_);
    }

private:
    void step() {
        const double reg = problem_.reg;
        std::vector<double>&f = out_.f, &g = out_.g;
        // Chizat et al. 2018, algorithm 1, in the log domain.
        for (std::size_t i = 0; i < f.size(); ++i) f[i] = minima_[i] * (a_.rho / (a_.rho + reg));
        soft_min_columns(problem_.cost, f, a_.log_mass, reg, g, context_);
        for (double& value : g) value *= b_.rho / (b_.rho + reg);
        // The t for which f + t, g - t have the largest dual value.
        const double shift =
            (a_.log_paid(f) - b_.log_paid(g)) * a_.rho * b_.rho / (a_.rho + b_.rho);
        for (double& value : f) value += shift;
        for (double& value : g) value -= shift;
        soft_min_rows(problem_.cost, g, b_.log_mass, reg, minima_, context_);
        // Fenchel-Young: what row i lacks is rho a_i exp(-f_i / rho) excess(d_i), where
        // d_i = log(P 1)_i / a_i + f_i / rho. Columns were optimal before the translation.
        const auto log_ratio = [&](std::size_t i) { return (f[i] - minima_[i]) / reg; };
        const double rows = a_.sum([&](std::size_t i) {
            const double paid = f[i] / a_.rho;
            return std::exp(-paid) * excess(log_ratio(i) + paid);
        });
        const double paid_b = b_.sum([&](std::size_t j) { return std::exp(-g[j] / b_.rho); });
        out_.gap = a_.rho * rows + b_.rho * paid_b * excess(-shift / b_.rho);
        out_.mass = a_.sum([&](std::size_t i) { return std::exp(log_ratio(i)); });
        out_.dual = reg * (a_.total * b_.total - out_.mass) - a_.rho * a_.sum([&](std::size_t i) {
            return std::expm1(-f[i] / a_.rho);
        }) - b_.rho * b_.sum([&](std::size_t j) { return std::expm1(-g[j] / b_.rho); });
    }

    const UnbalancedProblem& problem_;
    const UnbalancedOptions& options_;
    Monitor& monitor_;
    Context context_;
    Side a_, b_;
    std::vector<double> minima_;  // the soft ones of each row of M - g: what decides the next f
    Unbalanced out_;
    Trace trace_{out_.trace.names()};
};

}  // namespace

Unbalanced solve_unbalanced(const UnbalancedProblem& problem, const UnbalancedOptions& options,
                            Monitor& monitor) {
    return UnbalancedSolver(problem, options, monitor).run();
}

}  // namespace cycloid::ot
