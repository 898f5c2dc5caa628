#include <algorithm>
#include <cmath>

#include "cycloid/newton/newton_sketch.hpp"
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

}  // namespace

void bind_finite_sum(py::module_& m) {
    using namespace py::literals;
    m.def("newton_sketch", &newton_sketch, "X"_a, "y"_a, "weights"_a, py::kw_only(), "loss"_a,
          "outputs"_a, "ridge"_a, "intercept"_a, "start"_a, "gradient_tol"_a, "gap_tol"_a,
          "max_iter"_a, "seed"_a, "n_threads"_a, "time_limit"_a, "observer"_a,
          "A finite sum without constraints, by Newton Sketch; see _core.pyi.");
}

}  // namespace cycloid::bindings
