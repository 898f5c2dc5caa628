#include <pybind11/eigen.h>
#include <pybind11/stl.h>

#include <optional>

#include "common.hpp"
#include "cycloid/core/parallel.hpp"
#include "cycloid/relu/admm.hpp"

namespace cycloid::bindings {
namespace {

using Eigen::Ref;
using relu::LossKind;
using relu::Matrix;

// A matrix stored by columns, viewed.
using Columns = Ref<const Matrix>;

struct Arguments {
    std::unique_ptr<relu::Loss> loss;
    relu::Patterns patterns;
    relu::Blocks blocks;
};

py::dict relu_solve(const Columns& x, const Columns& y, const py::object& weights,
                    const std::string& loss, double parameter, const Ref<const relu::Mask>& active,
                    const Columns& generators, const std::vector<Index>& block_pattern,
                    const Columns& directions, double alpha, bool intercept, bool gated,
                    const std::string& method, double tol, Index max_iter,
                    const std::optional<std::array<double, 2>>& penalties, bool adaptive,
                    double relaxation, int n_threads, double time_limit,
                    const py::object& observer) {
    const auto kind = pick<LossKind>(loss,
                                     {{"squared", LossKind::Squared},
                                      {"logistic", LossKind::Logistic},
                                      {"hinge", LossKind::Hinge},
                                      {"squared_hinge", LossKind::SquaredHinge},
                                      {"huber", LossKind::Huber},
                                      {"quantile", LossKind::Quantile},
                                      {"softmax", LossKind::Softmax}},
                                     "loss");
    const double* w = weights.is_none() ? nullptr : view_vector(weights, "weights", x.rows());
    const auto measure = relu::make_loss(kind, y, w, parameter);
    const relu::Patterns patterns{active, generators};
    const relu::Blocks blocks{block_pattern, directions};
    const relu::Program program{x, *measure, patterns, blocks, alpha, intercept, gated};
    relu::AdmmOptions options;
    options.tol = tol;
    options.max_iter = max_iter;
    options.adaptive = adaptive;
    options.relaxation = relaxation;
    if (penalties) options.penalties = {(*penalties)[0], (*penalties)[1]};
    PythonObserver watcher(observer);
    relu::Solution solution;
    {
        const py::gil_scoped_release release;
        Monitor monitor(&watcher, time_limit);
        solution =
            relu::solve_admm(program, options, nullptr, {usable_threads(n_threads), &monitor});
    }
    watcher.raise_pending();
    py::dict out;
    out["v"] = solution.point.v;
    out["intercept"] = solution.point.c;
    out["objective"] = solution.objective;
    out["lower_bound"] = solution.lower_bound;
    out["n_iter"] = solution.n_iter;
    out["status"] = solution.status;
    out["trace"] = trace_columns(solution.trace);
    return out;
}

}  // namespace

void bind_relu(py::module_& m) {
    using namespace py::literals;
    m.def("relu_solve", &relu_solve, "X"_a, "y"_a, "weights"_a, py::kw_only(), "loss"_a,
          "parameter"_a, "patterns"_a, "generators"_a, "block_pattern"_a, "directions"_a, "alpha"_a,
          "intercept"_a, "gated"_a, "method"_a, "tol"_a, "max_iter"_a, "penalties"_a, "adaptive"_a,
          "relaxation"_a, "n_threads"_a, "time_limit"_a, "observer"_a,
          "The convex program of a two-layer ReLU network; see _core.pyi.");
}

}  // namespace cycloid::bindings
