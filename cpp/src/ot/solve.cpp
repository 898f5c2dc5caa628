#include "cycloid/ot/solve.hpp"

#include <cmath>

#include "cycloid/ot/cell_pass.hpp"
#include "cycloid/ot/certificate.hpp"
#include "cycloid/ot/progress.hpp"

namespace cycloid::ot {
namespace {

// Indices of positive masses, those divided by their sum, which is returned.
double positive_part(const double* mass, Index count, std::vector<Index>& where,
                     std::vector<double>& share) {
    double total = 0;
    for (Index i = 0; i < count; ++i) {
        if (!(mass[i] > 0)) continue;
        where.push_back(i);
        share.push_back(mass[i]);
        total += mass[i];
    }
    for (double& value : share) value /= total;
    return total;
}

Status run(Progress& progress, double reg) {
    switch (progress.options.method) {
        case Method::Sinkhorn:
            return solve_sinkhorn(progress, reg, progress.options.max_iter);
        case Method::Sns:
            return solve_sns(progress, reg);
        case Method::Auto:
            break;
    }
    const double entries = static_cast<double>(progress.masses.a.size()) *
                           static_cast<double>(progress.masses.b.size());
    const bool large = progress.cost.ordered() && entries > progress.options.most_entries;
    return large ? solve_multiscale(progress, reg) : solve_auto(progress, reg);
}

// A solve that ended before its first pass at the final reg has no potentials yet.
void complete(Progress& progress, double reg, const Context& context) {
    if (!progress.f.empty()) return;
    const Cost& cost = progress.cost;
    Point point;
    Kernel none;
    point.g.assign(progress.masses.b.size(), 0.0);
    if (cost.ordered()) {
        Counts counts;
        const Cells rows(cost.rows(), Cells::largest), columns(cost.columns(), Cells::largest);
        cell_pass(cost, progress.masses, reg, {rows, columns, Storage::None, 0, 1e-16, 0}, none,
                  point, counts, context);
    } else {
        row_pass(cost, progress.masses, reg, 0, Storage::None, none, point, context);
    }
    ++progress.out.n_passes;
    progress.f = point.f, progress.g = point.g;
}

std::vector<double> spread_out(const std::vector<double>& values, const std::vector<Index>& where,
                               Index count, double shift) {
    std::vector<double> out(static_cast<std::size_t>(count),
                            -std::numeric_limits<double>::infinity());
    for (std::size_t k = 0; k < where.size(); ++k) out[where[k]] = values[k] + shift;
    return out;
}

}  // namespace

Transport solve(const Problem& problem, const Options& options, Monitor& monitor) {
    const Index n = problem.cost.rows(), m = problem.cost.columns();
    const double reg = problem.reg;
    std::vector<Index> rows, columns;
    Masses masses;
    const double total = positive_part(problem.a, n, rows, masses.a);
    positive_part(problem.b, m, columns, masses.b);

    const bool all = std::ssize(rows) == n && std::ssize(columns) == m;
    const auto selected = all ? nullptr : make_selected_cost(problem.cost, rows, columns);
    const Cost& cost = all ? problem.cost : *selected;
    std::vector<double> start;
    Options used = options;
    if (options.g != nullptr) {
        for (const Index j : columns) start.push_back(options.g[j]);
        used.g = start.data();
    }

    Transport out;
    Progress progress{cost, masses, used, Context{options.n_threads, &monitor}, out, {}, {}};
    out.status = run(progress, reg);
    if (monitor.interrupted()) return out;
    Monitor afterwards = monitor.afterwards();
    const Context context{options.n_threads, &afterwards};
    complete(progress, reg, context);
    const Certificate sure = certify(cost, masses, reg, progress.f, progress.g, context);
    out.n_passes += 2;
    // With masses t a and t b the plan is t P, and its entropy that of P and log t a unit of mass.
    const double shift = reg * std::log(total);
    out.violation = sure.violation;
    out.transport_cost = total * sure.transport_cost;
    out.value = total * (sure.value + shift * sure.mass);
    out.dual = total * (sure.dual + shift);
    out.gap = total * sure.gap;
    if (out.violation <= options.tol) {
        out.status = Status::Converged;
    } else if (out.status == Status::Converged) {
        out.status = Status::Stalled;
    }
    out.f = spread_out(progress.f, rows, n, shift);
    out.g = spread_out(progress.g, columns, m, 0);
    return out;
}

}  // namespace cycloid::ot
