// What every method of this engine keeps while it runs.
#pragma once

#include "cycloid/ot/row_pass.hpp"
#include "cycloid/ot/solve.hpp"

namespace cycloid::ot {

struct Progress {
    const Cost& cost;
    const Masses& masses;
    const Options& options;
    Context context;
    Transport& out;
    std::vector<double> f, g;  // the best potentials at the final reg
    double error = std::numeric_limits<double>::infinity();
    Index n_newton = 0, n_cg = 0;

    double goal() const { return 0.8 * options.tol; }  // rounding may add to it in the certificate
    bool exhausted() const { return out.n_iter >= options.max_iter; }

    // Of points at the final reg.
    void keep_best(const Point& point) {
        if (!(point.error < error)) return;
        f = point.f, g = point.g, error = point.error;
    }
    // A row of the trace; true if the solve is to stop.
    bool report(double reg, double violation, double value, double kept) {
        out.trace.push({static_cast<double>(out.n_iter), context.monitor->seconds(), reg, violation,
                        value, kept, static_cast<double>(n_newton), static_cast<double>(n_cg),
                        static_cast<double>(out.n_passes)});
        return context.monitor->report(out.trace, violation <= goal());
    }
};

// Each leaves the best potentials in `progress` and says why it ended; Converged only when
// progress.error <= progress.goal().
Status solve_auto(Progress& progress, double reg);
Status solve_multiscale(Progress& progress, double reg);
Status solve_sinkhorn(Progress& progress, double reg, Index most);
Status solve_sns(Progress& progress, double reg);

}  // namespace cycloid::ot
