// Sinkhorn's algorithm in the log domain: each pass makes the rows right and sums the columns.
#include <algorithm>
#include <cmath>

#include "cycloid/ot/progress.hpp"

namespace cycloid::ot {

Status solve_sinkhorn(Progress& progress, double reg, Index most) {
    const Masses& masses = progress.masses;
    const Monitor& monitor = *progress.context.monitor;
    const double least = 1e-9 / static_cast<double>(std::max(masses.a.size(), masses.b.size()));
    Point point;
    Kernel none;
    point.g.assign(masses.b.size(), 0.0);
    if (progress.options.g != nullptr) std::copy_n(progress.options.g, point.g.size(), &point.g[0]);
    for (;;) {
        row_pass(progress.cost, masses, reg, least, Storage::None, none, point, progress.context);
        if (monitor.stopped()) return monitor.reason();
        ++progress.out.n_passes;
        progress.keep_best(point);
        const bool stop = progress.report(reg, point.error, point.dual, point.kept);
        if (point.error <= progress.goal()) return Status::Converged;
        if (stop) return monitor.reason();
        if (!std::isfinite(point.error)) return Status::NumericalError;
        if (progress.out.n_iter >= most) return Status::MaxIter;
        for (std::size_t j = 0; j < point.g.size(); ++j) {
            point.g[j] += reg * std::log(masses.b[j] / point.column_sums[j]);
        }
        ++progress.out.n_iter;
    }
}

}  // namespace cycloid::ot
