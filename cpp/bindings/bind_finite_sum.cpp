#include <pybind11/eigen.h>
#include <pybind11/stl.h>

#include <cmath>
#include <optional>

#include "cycloid/newton/constrained_sum.hpp"
#include "cycloid/newton/newton_sketch.hpp"
#include "cycloid/newton/solve.hpp"
#include "rows.hpp"

namespace cycloid::bindings {
namespace {

using newton::FiniteSum;
using newton::LossKind;

LossKind loss_of(const std::string& name) {
    return pick<LossKind>(name,
                          {{"squared", LossKind::Squared},
                           {"logistic", LossKind::Logistic},
                           {"poisson", LossKind::Poisson},
                           {"multinomial", LossKind::Multinomial}},
                          "loss");
}

// What a FiniteSum points to, checked: the core trusts labels as indices.
struct SumView {
    SumView(const py::object& x, const py::object& y, const py::object& given,
            const std::string& loss, Index outputs, double ridge, bool intercept)
        : rows(view_rows(x)),
          weights(newton::Vector::Constant(rows.rows->rows(), 1.0)),
          sum{*rows.rows, view_vector(y, "y", rows.rows->rows()),
              nullptr,    loss_of(loss),
              outputs,    ridge,
              intercept} {
        const Index n = rows.rows->rows();
        if (!given.is_none()) {
            weights = Eigen::Map<const newton::Vector>(view_vector(given, "weights", n), n);
        }
        const double total = weights.sum();
        if (!(weights.minCoeff() >= 0) || !(total > 0) || !std::isfinite(total)) {
            throw py::value_error("weights must not be negative, and have a positive, finite sum");
        }
        weights /= total;
        sum.weights = weights.data();
        const bool multinomial = sum.loss == LossKind::Multinomial;
        if (outputs < (multinomial ? 2 : 1) || (outputs > 1 && !multinomial)) {
            throw py::value_error("outputs must be 1, or the classes of the multinomial loss");
        }
        if (!(ridge >= 0)) throw py::value_error("ridge must not be negative");
        if (!multinomial) return;
        for (Index i = 0; i < n; ++i) {
            const double label = sum.y[i];
            if (!(label >= 0 && label < static_cast<double>(outputs)) ||
                label != std::floor(label)) {
                throw py::value_error("y must hold codes 0 .. outputs - 1");
            }
        }
    }

    RowsView rows;
    newton::Vector weights;
    FiniteSum sum;
};

py::dict to_dict(const newton::SumSolution& solution) {
    py::dict out;
    out["point"] = to_array(solution.point);
    out["status"] = static_cast<int>(solution.status);
    out["objective"] = solution.value;
    out["violation"] = solution.largest_derivative;
    out["gap"] = solution.gap;
    out["n_iter"] = solution.n_iter;
    out["n_inner"] = solution.n_inner;
    out["trace"] = trace_columns(solution.trace);
    return out;
}

py::dict newton_sketch(const py::object& X, const py::object& y, const py::object& weights,
                       const std::string& loss, Index outputs, double ridge, bool intercept,
                       const py::object& start, double gradient_tol, double gap_tol, Index max_iter,
                       std::uint64_t seed, int n_threads, double time_limit,
                       const py::object& observer) {
    const SumView view(X, y, weights, loss, outputs, ridge, intercept);
    newton::NewtonSketchOptions options;
    options.gradient_tolerance = gradient_tol;
    options.gap_tolerance = gap_tol;
    options.max_iter = max_iter;
    options.seed = seed;
    newton::Vector first;
    if (!start.is_none()) {
        const Index size = view.sum.dimension();
        first = Eigen::Map<const newton::Vector>(view_vector(start, "start", size), size);
        options.start = &first;
    }
    PythonObserver watcher(observer);
    newton::SumSolution solution;
    {
        const py::gil_scoped_release release;
        Monitor monitor(&watcher, time_limit);
        solution = solve_newton_sketch(view.sum, options, {usable_threads(n_threads), &monitor});
    }
    watcher.raise_pending();
    return to_dict(solution);
}

using Quadratics = std::vector<std::tuple<newton::Matrix, newton::Vector, double>>;

newton::SumConstraints make_constraints(const newton::Matrix& A, const newton::Vector& b,
                                        const std::optional<double>& squared_norm,
                                        const Quadratics& quadratics, Index coefficients) {
    newton::SumConstraints out{A, b, squared_norm, {}};
    if (A.rows() != b.size() || (A.rows() > 0 && A.cols() != coefficients)) {
        throw py::value_error("A must be constraints x coefficients, with one b a row");
    }
    for (const auto& [curvature, slope, value] : quadratics) {
        if (curvature.rows() != coefficients || curvature.cols() != coefficients ||
            slope.size() != coefficients) {
            throw py::value_error("quadratics must be as large as the coefficients");
        }
        out.quadratics.push_back({curvature, slope, value});
    }
    return out;
}

py::dict constrained_sum(const py::object& X, const py::object& y, const py::object& weights,
                         const std::string& loss, Index outputs, double ridge, bool intercept,
                         const newton::Matrix& A, const newton::Vector& b,
                         const std::optional<double>& squared_norm, const Quadratics& quadratics,
                         const py::object& start, double tol, Index max_iter, std::uint64_t seed,
                         int n_threads, double time_limit, const py::object& observer) {
    const SumView view(X, y, weights, loss, outputs, ridge, intercept);
    const FiniteSum& sum = view.sum;
    const newton::SumConstraints constraints =
        make_constraints(A, b, squared_norm, quadratics, sum.coefficients());
    newton::Options options;
    options.tol = tol;
    options.max_iter = max_iter;
    options.n_threads = usable_threads(n_threads);
    options.inner_options.seed = seed;
    newton::Vector first;
    if (!start.is_none()) {
        const Index size = sum.dimension();
        first = Eigen::Map<const newton::Vector>(view_vector(start, "start", size), size);
    }
    PythonObserver watcher(observer);
    newton::Solution solution;
    {
        const py::gil_scoped_release release;
        Monitor monitor(&watcher, time_limit);
        const Context context{options.n_threads, &monitor};
        newton::ConstrainedSum problem(sum, constraints, seed, context);
        if (first.size() == 0) first = first_point(sum, constraints, context);
        solution = solve(problem, std::move(first), options, monitor);
    }
    watcher.raise_pending();
    py::dict out;
    out["point"] = to_array(solution.x);
    out["multipliers"] = to_array(solution.y);
    out["status"] = static_cast<int>(solution.status);
    out["objective"] = solution.objective;
    out["violation"] = solution.violation;
    out["constraint_violation"] = solution.constraint_violation;
    out["n_iter"] = solution.n_iter;
    out["n_inner"] = solution.n_inner;
    out["trace"] = trace_columns(solution.trace);
    return out;
}

}  // namespace

void bind_finite_sum(py::module_& m) {
    using namespace py::literals;
    m.def("newton_sketch", &newton_sketch, "X"_a, "y"_a, "weights"_a, py::kw_only(), "loss"_a,
          "outputs"_a, "ridge"_a, "intercept"_a, "start"_a, "gradient_tol"_a, "gap_tol"_a,
          "max_iter"_a, "seed"_a, "n_threads"_a, "time_limit"_a, "observer"_a,
          "A finite sum without constraints, by Newton Sketch; see _core.pyi.");
    m.def("constrained_sum", &constrained_sum, "X"_a, "y"_a, "weights"_a, py::kw_only(), "loss"_a,
          "outputs"_a, "ridge"_a, "intercept"_a, "A"_a, "b"_a, "squared_norm"_a, "quadratics"_a,
          "start"_a, "tol"_a, "max_iter"_a, "seed"_a, "n_threads"_a, "time_limit"_a, "observer"_a,
          "A finite sum under equality constraints; see _core.pyi.");
}

}  // namespace cycloid::bindings
