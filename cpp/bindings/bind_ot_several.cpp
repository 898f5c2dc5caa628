// All but the one balanced problem: batches, barycenters, unbalanced transport, soft minima.
#include "cycloid/core/parallel.hpp"
#include "cycloid/ot/barycenter.hpp"
#include "cycloid/ot/soft_min.hpp"
#include "cycloid/ot/unbalanced.hpp"
#include "ot.hpp"

namespace cycloid::bindings {
namespace {

using ot::Transport;

py::array_t<double> matrix(Index rows, Index columns) {
    return py::array_t<double>({static_cast<py::ssize_t>(rows), static_cast<py::ssize_t>(columns)});
}

// Contiguous float64 rows of the given length, viewed; one row stands for all.
ot::Rows view_rows(const py::object& array, const char* name, Index count, Index length) {
    if (array.is_none()) return {};
    const bool fits = py::isinstance<Vector>(array) &&
                      (py::reinterpret_borrow<py::array>(array).flags() & py::array::c_style);
    const auto rows = fits ? py::reinterpret_borrow<py::array>(array) : py::array();
    if (!fits || rows.ndim() != 2 || (rows.shape(0) != count && rows.shape(0) != 1) ||
        rows.shape(1) != length) {
        throw py::value_error(std::string(name) + " must hold contiguous float64 rows of length " +
                              std::to_string(length) + ", one or " + std::to_string(count));
    }
    return {static_cast<const double*>(rows.data()), rows.shape(0) == 1 ? 0 : length};
}

// Not a number where the batch ended before the problem.
py::array_t<double> potentials(const std::vector<Transport>& problems,
                               std::vector<double> Transport::* side, Index length) {
    auto out = matrix(std::ssize(problems), length);
    double* to = out.mutable_data();
    for (const Transport& problem : problems) {
        const std::vector<double>& from = problem.*side;
        if (from.empty()) {
            to = std::fill_n(to, length, std::numeric_limits<double>::quiet_NaN());
        } else {
            to = std::copy(from.begin(), from.end(), to);
        }
    }
    return out;
}

template <class Value, class Field>
py::array_t<Value> column(const std::vector<Transport>& problems, Field field) {
    py::array_t<Value> out(std::ssize(problems));
    Value* to = out.mutable_data();
    for (const Transport& problem : problems) *to++ = static_cast<Value>(field(problem));
    return out;
}

// A number of the result, `otherwise` where the batch ended before the problem.
py::array_t<double> column(const std::vector<Transport>& problems, double Transport::* member,
                           double otherwise) {
    return column<double>(problems, [&](const Transport& problem) {
        return problem.f.empty() ? otherwise : problem.*member;
    });
}

// The traces of all problems, one after the other, and where each begins.
py::tuple traces(const std::vector<Transport>& problems) {
    std::vector<std::int64_t> starts{0};
    for (const Transport& problem : problems) {
        starts.push_back(starts.back() + static_cast<std::int64_t>(problem.trace.rows()));
    }
    const std::vector<std::string>& names = problems.front().trace.names();
    auto table = matrix(static_cast<Index>(names.size()), starts.back());
    double* to = table.mutable_data();
    for (std::size_t c = 0; c < names.size(); ++c) {
        for (const Transport& problem : problems) {
            for (std::size_t r = 0; r < problem.trace.rows(); ++r) *to++ = problem.trace.row(r)[c];
        }
    }
    py::dict columns;
    for (std::size_t c = 0; c < names.size(); ++c) {
        columns[py::str(names[c])] = table[py::int_(c)];
    }
    return py::make_tuple(columns, to_array(starts));
}

py::dict to_dict(const ot::BatchResult& result, Index n, Index m) {
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    constexpr double infinity = std::numeric_limits<double>::infinity();
    const std::vector<Transport>& problems = result.problems;
    py::dict out;
    out["f"] = potentials(problems, &Transport::f, n);
    out["g"] = potentials(problems, &Transport::g, m);
    out["value"] = column(problems, &Transport::value, nan);
    out["transport_cost"] = column(problems, &Transport::transport_cost, nan);
    out["dual_value"] = column(problems, &Transport::dual, nan);
    out["gap"] = column(problems, &Transport::gap, infinity);
    out["violation"] = column(problems, &Transport::violation, infinity);
    out["status"] = column<std::int64_t>(
        problems, [](const Transport& problem) { return int(problem.status); });
    out["n_iter"] =
        column<std::int64_t>(problems, [](const Transport& problem) { return problem.n_iter; });
    out["n_passes"] =
        column<std::int64_t>(problems, [](const Transport& problem) { return problem.n_passes; });
    const py::tuple table = traces(problems);
    out["trace"] = table[0];
    out["trace_starts"] = table[1];
    return out;
}

py::dict solve_transport_batch(const py::object& a, const py::object& b, const py::array& M,
                               double reg, Index count, const std::string& method, double tol,
                               Index max_iter, const py::object& g, Index n_sinkhorn,
                               Index n_newton, double density, int n_threads, double time_limit,
                               const py::object& observer) {
    const auto cost = view_cost(M);
    const Index n = cost->rows(), m = cost->columns();
    if (count < 1) throw py::value_error("count must be positive");
    const ot::Batch batch{*cost,
                          view_rows(a, "a", count, n),
                          view_rows(b, "b", count, m),
                          view_rows(g, "g", count, m),
                          count,
                          reg};
    const ot::Options options =
        transport_options(method, tol, max_iter, n_sinkhorn, n_newton, density, n_threads);
    PythonObserver watcher(observer);
    ot::BatchResult result;
    {
        const py::gil_scoped_release release;
        Monitor monitor(&watcher, time_limit);
        result = solve_batch(batch, options, monitor);
    }
    watcher.raise_pending();
    return to_dict(result, n, m);
}

py::array_t<double> stack(const std::vector<std::vector<double>>& rows, Index length) {
    auto out = matrix(std::ssize(rows), length);
    double* to = out.mutable_data();
    for (const std::vector<double>& row : rows) to = std::copy(row.begin(), row.end(), to);
    return out;
}

py::dict solve_barycenter(const py::object& a, const py::array& M, double reg,
                          const py::object& weights, double tol, Index max_iter,
                          const py::object& g, int n_threads, double time_limit,
                          const py::object& observer) {
    const auto cost = view_cost(M);
    const Index n = cost->rows(), m = cost->columns();
    const auto count = static_cast<Index>(py::len(weights));
    if (count < 1) throw py::value_error("weights must not be empty");
    const double* w = view_vector(weights, "weights", count);
    const ot::BarycenterProblem problem{*cost, view_rows(a, "a", count, n), {w, w + count}, reg};
    ot::BarycenterOptions options;
    options.tol = tol;
    options.max_iter = max_iter;
    options.g = view_rows(g, "g", count, m);
    options.n_threads = usable_threads(n_threads);
    PythonObserver watcher(observer);
    ot::Barycenter result;
    {
        const py::gil_scoped_release release;
        Monitor monitor(&watcher, time_limit);
        result = ot::solve_barycenter(problem, options, monitor);
    }
    watcher.raise_pending();
    py::dict out;
    out["b"] = to_array(result.b);
    out["f"] = stack(result.f, n);
    out["g"] = stack(result.g, m);
    out["value"] = result.value;
    out["transport_cost"] = result.transport_cost;
    out["dual_value"] = result.dual;
    out["gap"] = result.gap;
    out["violation"] = result.violation;
    out["status"] = static_cast<int>(result.status);
    out["n_iter"] = result.n_iter;
    out["n_passes"] = result.n_passes;
    out["trace"] = trace_columns(result.trace);
    return out;
}

py::dict solve_unbalanced(const py::object& a, const py::object& b, const py::array& M, double reg,
                          double rho_a, double rho_b, double tol, Index max_iter,
                          const py::object& g, int n_threads, double time_limit,
                          const py::object& observer) {
    const auto cost = view_cost(M);
    const Index n = cost->rows(), m = cost->columns();
    const ot::UnbalancedProblem problem{
        *cost, view_vector(a, "a", n), view_vector(b, "b", m), reg, rho_a, rho_b};
    ot::UnbalancedOptions options;
    options.tol = tol;
    options.max_iter = max_iter;
    if (!g.is_none()) options.g = view_vector(g, "g", m);
    options.n_threads = usable_threads(n_threads);
    PythonObserver watcher(observer);
    ot::Unbalanced result;
    {
        const py::gil_scoped_release release;
        Monitor monitor(&watcher, time_limit);
        result = ot::solve_unbalanced(problem, options, monitor);
    }
    watcher.raise_pending();
    py::dict out;
    out["f"] = to_array(result.f);
    out["g"] = to_array(result.g);
    out["dual_value"] = result.dual;
    out["gap"] = result.gap;
    out["mass"] = result.mass;
    out["status"] = static_cast<int>(result.status);
    out["trace"] = trace_columns(result.trace);
    return out;
}

Vector soft_min(const py::array& M, const py::object& potential, const py::object& log_mass,
                double reg, bool of_rows, int n_threads) {
    const auto cost = view_cost(M);
    const Index n = cost->rows(), m = cost->columns();
    const Index from = of_rows ? m : n, to = of_rows ? n : m;
    const auto length = static_cast<std::size_t>(from);
    const ot::View first{view_vector(potential, "potential", from), length};
    const ot::View second{view_vector(log_mass, "log_mass", from), length};
    Vector out(static_cast<py::ssize_t>(to));
    const std::span<double> minima{out.mutable_data(), static_cast<std::size_t>(to)};
    const Context context{usable_threads(n_threads), nullptr};
    {
        const py::gil_scoped_release release;
        (of_rows ? ot::soft_min_rows : ot::soft_min_columns)(*cost, first, second, reg, minima,
                                                             context);
    }
    return out;
}

}  // namespace

void bind_ot_several(py::module_& m) {
    using namespace py::literals;
    m.def("solve_transport_batch", &solve_transport_batch, "a"_a, "b"_a, "M"_a, "reg"_a,
          py::kw_only(), "count"_a, "method"_a, "tol"_a, "max_iter"_a, "g"_a, "n_sinkhorn"_a,
          "n_newton"_a, "density"_a, "n_threads"_a, "time_limit"_a, "observer"_a,
          "Several problems that share their costs; see _core.pyi.");
    m.def("solve_barycenter", &solve_barycenter, "a"_a, "M"_a, "reg"_a, py::kw_only(), "weights"_a,
          "tol"_a, "max_iter"_a, "g"_a, "n_threads"_a, "time_limit"_a, "observer"_a,
          "A barycenter of several histograms; see _core.pyi.");
    m.def("solve_unbalanced", &solve_unbalanced, "a"_a, "b"_a, "M"_a, "reg"_a, py::kw_only(),
          "rho_a"_a, "rho_b"_a, "tol"_a, "max_iter"_a, "g"_a, "n_threads"_a, "time_limit"_a,
          "observer"_a, "Transport with relaxed marginals; see _core.pyi.");
    m.def("soft_min", &soft_min, "M"_a, "potential"_a, "log_mass"_a, "reg"_a, py::kw_only(),
          "of_rows"_a, "n_threads"_a, "Soft minima of rows or columns; see _core.pyi.");
}

}  // namespace cycloid::bindings
