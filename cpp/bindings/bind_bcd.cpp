#include <cmath>

#include "common.hpp"
#include "cycloid/bcd/path.hpp"
#include "cycloid/core/parallel.hpp"

namespace cycloid::bindings {
namespace {

using bcd::GramMode;
using bcd::LossKind;
using bcd::Path;
using bcd::PathPoint;

template <class Value, class Field>
py::array_t<Value> column(const Path& path, Field field) {
    py::array_t<Value> out(static_cast<py::ssize_t>(path.points.size()));
    Value* values = out.mutable_data();
    for (const PathPoint& point : path.points) *values++ = static_cast<Value>(field(point));
    return out;
}

py::dict to_dict(const Path& path) {
    py::dict out;
    std::vector<std::int64_t> starts{0}, indices;
    std::vector<double> values;
    for (const PathPoint& point : path.points) {
        indices.insert(indices.end(), point.indices.begin(), point.indices.end());
        values.insert(values.end(), point.values.begin(), point.values.end());
        starts.push_back(static_cast<std::int64_t>(values.size()));
    }
    out["indptr"] = to_array(starts);
    out["indices"] = to_array(indices);
    out["data"] = to_array(values);
    out["alpha_max"] = path.alpha_max;
    out["null_objective"] = path.null_objective;
    out["alphas"] = column<double>(path, [](const PathPoint& q) { return q.alpha; });
    out["intercepts"] = column<double>(path, [](const PathPoint& q) { return q.intercept; });
    out["objective"] = column<double>(path, [](const PathPoint& q) { return q.objective; });
    out["dual_objective"] = column<double>(path, [](const PathPoint& q) { return q.dual; });
    out["gap"] = column<double>(
        path, [](const PathPoint& q) { return std::max(q.objective - q.dual, 0.0); });
    out["violation"] = column<double>(path, [](const PathPoint& q) { return q.violation; });
    out["seconds"] = column<double>(path, [](const PathPoint& q) { return q.seconds; });
    out["n_iter"] = column<std::int64_t>(path, [](const PathPoint& q) { return q.n_iter; });
    out["status"] = column<std::int64_t>(path, [](const PathPoint& q) { return int(q.status); });
    out["trace"] = trace_columns(path.trace);
    return out;
}

py::dict solve_glm_path(const py::object& X, const py::object& y, const py::object& weights,
                        const std::string& loss, const py::object& alphas, Index n_alphas,
                        double eps, double l1_ratio, const py::object& penalty_weights,
                        bool positive, bool fit_intercept, bool standardize,
                        const py::object& coef_init, double intercept_init, double rtol,
                        double atol, Index max_iter, const std::string& gram, std::int64_t seed,
                        int n_threads, double time_limit, const py::object& observer) {
    const MatrixView x = view_matrix(X);
    const Index n = x.matrix->rows(), p = x.matrix->columns();
    const std::vector<double> w = normalised(weights, n);
    bcd::Problem problem{*x.matrix, view_vector(y, "y", n), w.data()};
    problem.loss = pick<LossKind>(
        loss, {{"squared", LossKind::Squared}, {"logistic", LossKind::Logistic}}, "loss");
    problem.l1_ratio = l1_ratio;
    problem.positive = positive;
    problem.intercept = fit_intercept;
    problem.standardize = standardize;
    if (!penalty_weights.is_none()) {
        problem.penalty_weights = view_vector(penalty_weights, "penalty_weights", p);
    }
    bcd::Options options;
    if (!alphas.is_none()) {
        const auto count = static_cast<Index>(py::len(alphas));
        const double* values = view_vector(alphas, "alphas", count);
        options.alphas.assign(values, values + count);
    }
    options.n_alphas = n_alphas;
    options.eps = eps;
    if (!coef_init.is_none()) options.coef = view_vector(coef_init, "coef_init", p);
    options.intercept = intercept_init;
    options.rtol = rtol;
    options.atol = atol;
    options.max_iter = max_iter;
    options.gram = pick<GramMode>(
        gram, {{"auto", GramMode::Auto}, {"always", GramMode::Always}, {"never", GramMode::Never}},
        "gram");
    options.seed = seed;
    options.n_threads = usable_threads(n_threads);
    PythonObserver watcher(observer);
    Path path;
    {
        const py::gil_scoped_release release;
        Monitor monitor(&watcher, time_limit);
        path = solve_path(problem, options, monitor);
    }
    watcher.raise_pending();
    return to_dict(path);
}

}  // namespace

void bind_bcd(py::module_& m) {
    using namespace py::literals;
    m.def("solve_glm_path", &solve_glm_path, "X"_a, "y"_a, "weights"_a, py::kw_only(), "loss"_a,
          "alphas"_a, "n_alphas"_a, "eps"_a, "l1_ratio"_a, "penalty_weights"_a, "positive"_a,
          "fit_intercept"_a, "standardize"_a, "coef_init"_a, "intercept_init"_a, "rtol"_a, "atol"_a,
          "max_iter"_a, "gram"_a, "seed"_a, "n_threads"_a, "time_limit"_a, "observer"_a,
          "A regularization path of a generalized linear model; see _core.pyi.");
}

}  // namespace cycloid::bindings
