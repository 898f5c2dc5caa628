#include <algorithm>

#include "cycloid/bcd/graph_field.hpp"
#include "graph.hpp"

namespace cycloid::bindings {
namespace {

using bcd::Preconditioner;
using bcd::SparseSymmetric;

// The number of columns of an n x width array in C order, and its numbers.
std::pair<Index, const double*> view_columns(const Vector& array, const char* name, Index n) {
    if (array.ndim() != 2 || array.shape(0) != n || array.shape(1) < 1) {
        throw py::value_error(std::string(name) + " must have a row for each row of A");
    }
    return {array.shape(1), array.data()};
}

bcd::PositiveDefiniteOptions make_options(double rtol, Index max_iter, Index degree, double fill,
                                          const std::string& preconditioner) {
    bcd::PositiveDefiniteOptions options;
    options.rtol = rtol;
    options.max_iter = max_iter;
    if (degree >= 0) options.limits.degree = degree;
    if (fill >= 0) options.limits.fill = fill;
    options.preconditioner = pick<Preconditioner>(preconditioner,
                                                  {{"auto", Preconditioner::Auto},
                                                   {"forest", Preconditioner::Forest},
                                                   {"sampled", Preconditioner::Sampled}},
                                                  "preconditioner");
    return options;
}

py::dict to_dict(const bcd::PositiveDefiniteSolution& solution, const Monitor& monitor) {
    py::dict out;
    out["status"] = static_cast<int>(solution.status);
    out["positive_definite"] = solution.positive_definite;
    out["violation"] = solution.violation;
    out["error_bound"] = solution.error_bound;
    out["n_iter"] = solution.n_iter;
    out["n_eliminated"] = solution.n_eliminated;
    out["n_factor"] = solution.n_factor;
    out["seconds"] = monitor.seconds();
    out["trace"] = trace_columns(solution.trace);
    return out;
}

py::dict solve_positive_definite(const py::object& A, const Vector& b, double rtol, Index max_iter,
                                 Index degree, double fill, const std::string& preconditioner,
                                 double time_limit, const py::object& observer) {
    const auto options = make_options(rtol, max_iter, degree, fill, preconditioner);
    const bcd::GraphSystem system = bcd::make_system(copy_symmetric(A));
    const auto [width, rhs] = view_columns(b, "b", system.matrix.size());
    Vector x({system.matrix.size(), width});
    double* const solution = x.mutable_data();
    PythonObserver watcher(observer);
    Monitor monitor(&watcher, time_limit);
    bcd::PositiveDefiniteSolution found;
    {
        const py::gil_scoped_release release;
        found = bcd::solve_positive_definite(system, rhs, width, solution, options, monitor);
    }
    watcher.raise_pending();
    py::dict out = to_dict(found, monitor);
    out["x"] = x;
    return out;
}

py::dict solve_field(const py::object& W, const py::object& strength, const Vector& values,
                     double rtol, Index max_iter, double time_limit, const py::object& observer) {
    const auto options = make_options(rtol, max_iter, -1, -1, "auto");
    const SparseSymmetric weights = copy_symmetric(W);
    const Index n = weights.size();
    const double* const held = view_vector(strength, "strength", n);
    const auto [width, given] = view_columns(values, "values", n);
    Vector f({n, width});
    double* const field = f.mutable_data();
    std::fill_n(field, n * width, 0.0);
    PythonObserver watcher(observer);
    Monitor monitor(&watcher, time_limit);
    bcd::GraphField found;
    {
        const py::gil_scoped_release release;
        found = bcd::solve_field(weights, held, given, width, field, options, monitor);
    }
    watcher.raise_pending();
    py::dict out = to_dict(found.solution, monitor);
    out["field"] = f;
    out["loose"] = to_array(found.loose);
    return out;
}

// The diagonal, or None where the factor would be too large, and whether A is positive definite.
py::tuple inverse_diagonal(const py::object& A) {
    const bcd::GraphSystem system = bcd::make_system(copy_symmetric(A));
    PythonObserver watcher{py::none()};
    bcd::Elimination factor;
    std::vector<double> diagonal;
    {
        const py::gil_scoped_release release;
        Monitor monitor(&watcher);
        const Context context{1, &monitor};
        bcd::GraphSystem rest;
        factor =
            bcd::eliminate(system, {.degree = system.matrix.size(), .fill = 1e9}, context, rest);
        const bool complete = factor.positive && factor.kept.empty() && !factor.stopped;
        if (complete) diagonal = bcd::inverse_diagonal(factor, context);
    }
    watcher.raise_pending();
    py::object found = py::none();
    if (!diagonal.empty()) found = to_array(diagonal);
    return py::make_tuple(found, factor.positive);
}

}  // namespace

void bind_bcd_graph(py::module_& m) {
    using namespace py::literals;
    m.def("solve_positive_definite", &solve_positive_definite, "A"_a, "b"_a.noconvert(),
          py::kw_only(), "rtol"_a, "max_iter"_a, "degree"_a, "fill"_a, "preconditioner"_a,
          "time_limit"_a, "observer"_a,
          "A sparse symmetric positive definite system; see _core.pyi.");
    m.def("inverse_diagonal", &inverse_diagonal, "A"_a,
          "The diagonal of the inverse of a sparse matrix; see _core.pyi.");
    m.def("solve_field", &solve_field, "W"_a, "strength"_a, "values"_a.noconvert(), py::kw_only(),
          "rtol"_a, "max_iter"_a, "time_limit"_a, "observer"_a,
          "Values that are smooth on a graph; see _core.pyi.");
}

}  // namespace cycloid::bindings
