#include <cmath>
#include <utility>

#include "common.hpp"
#include "cycloid/bcd/group_path.hpp"
#include "cycloid/core/parallel.hpp"

namespace cycloid::bindings {
namespace {

using bcd::GroupPath;
using bcd::GroupPathPoint;
using bcd::OutputsLoss;

template <class Value, class Field>
py::array_t<Value> column(const GroupPath& path, Field field) {
    py::array_t<Value> out(static_cast<py::ssize_t>(path.points.size()));
    Value* values = out.mutable_data();
    for (const GroupPathPoint& point : path.points) *values++ = static_cast<Value>(field(point));
    return out;
}

py::dict to_dict(const GroupPath& path) {
    py::dict out;
    std::vector<std::int64_t> starts{0}, indices;
    std::vector<double> values, intercepts;
    for (const GroupPathPoint& point : path.points) {
        indices.insert(indices.end(), point.indices.begin(), point.indices.end());
        values.insert(values.end(), point.values.begin(), point.values.end());
        intercepts.insert(intercepts.end(), point.intercept.begin(), point.intercept.end());
        starts.push_back(static_cast<std::int64_t>(values.size()));
    }
    out["indptr"] = to_array(starts);
    out["indices"] = to_array(indices);
    out["data"] = to_array(values);
    out["intercepts"] = to_array(intercepts);
    out["alpha_max"] = path.alpha_max;
    out["null_objective"] = path.null_objective;
    using Point = GroupPathPoint;
    out["alphas"] = column<double>(path, [](const Point& q) { return q.alpha; });
    out["objective"] = column<double>(path, [](const Point& q) { return q.objective; });
    out["dual_objective"] = column<double>(path, [](const Point& q) { return q.dual; });
    out["gap"] =
        column<double>(path, [](const Point& q) { return std::max(q.objective - q.dual, 0.0); });
    out["violation"] = column<double>(path, [](const Point& q) { return q.violation; });
    out["seconds"] = column<double>(path, [](const Point& q) { return q.seconds; });
    out["n_iter"] = column<std::int64_t>(path, [](const Point& q) { return q.n_iter; });
    out["status"] = column<std::int64_t>(path, [](const Point& q) { return int(q.status); });
    out["trace"] = trace_columns(path.trace);
    return out;
}

// Features in the order of their groups, and where each group starts.
void read_groups(const py::array_t<std::int64_t, py::array::c_style>& members,
                 const py::array_t<std::int64_t, py::array::c_style>& starts,
                 bcd::GroupProblem& problem) {
    const Index p = problem.x.columns();
    problem.members.assign(members.data(), members.data() + members.size());
    problem.starts.assign(starts.data(), starts.data() + starts.size());
    std::vector<char> seen(static_cast<std::size_t>(p), 0);
    bool valid = static_cast<Index>(problem.members.size()) == p && problem.starts.size() >= 2 &&
                 problem.starts.front() == 0 && problem.starts.back() == p;
    for (std::size_t g = 1; valid && g < problem.starts.size(); ++g) {
        valid = problem.starts[g - 1] < problem.starts[g];
    }
    for (const Index j : problem.members) {
        valid = valid && j >= 0 && j < p && !std::exchange(seen[j], char{1});
    }
    if (!valid) throw py::value_error("groups must be a partition of the features");
}

py::dict solve_group_path(const py::object& X, const Vector& y, const py::object& weights,
                          Index n_outputs, const std::string& loss,
                          const py::array_t<std::int64_t, py::array::c_style>& members,
                          const py::array_t<std::int64_t, py::array::c_style>& starts,
                          const py::object& l1, const py::object& norm, const py::object& l2,
                          const py::object& alphas, Index n_alphas, double eps, bool fit_intercept,
                          const py::object& coef_init, const py::object& intercept_init,
                          double rtol, double atol, Index max_iter, std::int64_t seed,
                          int n_threads, double time_limit, const py::object& observer) {
    const MatrixView x = view_matrix(X);
    const Index n = x.matrix->rows(), p = x.matrix->columns();
    const std::vector<double> w = normalised(weights, n);
    if (n_outputs < 1) throw py::value_error("n_outputs must be positive");
    bcd::GroupProblem problem{.x = *x.matrix, .response = {}, .members = {}, .starts = {}};
    problem.loss = pick<OutputsLoss>(
        loss, {{"squared", OutputsLoss::Squared}, {"softmax", OutputsLoss::Softmax}}, "loss");
    const bool classes = problem.loss == OutputsLoss::Softmax;
    problem.response = {n, n_outputs, view_vector(y, "y", classes ? n : n * n_outputs), w.data()};
    for (Index i = 0; classes && i < n; ++i) {
        const double label = problem.response.y[i];
        if (!(label >= 0 && label < static_cast<double>(n_outputs)) || label != std::floor(label)) {
            throw py::value_error("y must hold classes 0, 1, ..., n_outputs - 1");
        }
    }
    read_groups(members, starts, problem);
    const Index n_groups = static_cast<Index>(problem.starts.size()) - 1;
    problem.l1 = view_vector(l1, "l1", n_groups);
    problem.norm = view_vector(norm, "norm", n_groups);
    problem.l2 = view_vector(l2, "l2", n_groups);
    problem.intercept = fit_intercept;
    bcd::GroupOptions options;
    if (!alphas.is_none()) {
        const auto count = static_cast<Index>(py::len(alphas));
        const double* values = view_vector(alphas, "alphas", count);
        options.alphas.assign(values, values + count);
    }
    options.n_alphas = n_alphas;
    options.eps = eps;
    if (!coef_init.is_none()) options.coef = view_vector(coef_init, "coef_init", p * n_outputs);
    if (!intercept_init.is_none()) {
        options.intercept = view_vector(intercept_init, "intercept_init", n_outputs);
    }
    options.rtol = rtol;
    options.atol = atol;
    options.max_iter = max_iter;
    options.seed = seed;
    options.n_threads = usable_threads(n_threads);
    PythonObserver watcher(observer);
    GroupPath path;
    {
        const py::gil_scoped_release release;
        Monitor monitor(&watcher, time_limit);
        path = solve_group_path(problem, options, monitor);
    }
    watcher.raise_pending();
    return to_dict(path);
}

}  // namespace

void bind_groups(py::module_& m) {
    using namespace py::literals;
    m.def("solve_group_path", &solve_group_path, "X"_a, "y"_a, "weights"_a, py::kw_only(),
          "n_outputs"_a, "loss"_a, "members"_a, "starts"_a, "l1"_a, "norm"_a, "l2"_a, "alphas"_a,
          "n_alphas"_a, "eps"_a, "fit_intercept"_a, "coef_init"_a, "intercept_init"_a, "rtol"_a,
          "atol"_a, "max_iter"_a, "seed"_a, "n_threads"_a, "time_limit"_a, "observer"_a,
          "A regularization path of a model with groups of coefficients; see _core.pyi.");
}

}  // namespace cycloid::bindings
