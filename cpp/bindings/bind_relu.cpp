#include <pybind11/eigen.h>
#include <pybind11/stl.h>

#include <optional>

#include "common.hpp"
#include "cycloid/core/parallel.hpp"
#include "cycloid/relu/admm.hpp"
#include "cycloid/relu/interior_point.hpp"
#include "cycloid/relu/published.hpp"
#include "cycloid/relu/solve.hpp"
#include "relu.hpp"

namespace cycloid::bindings {
namespace {

using relu::Matrix;

enum class Method { Auto, Admm, InteriorPoint, Published, BlockDescent };

relu::Solution solve(const relu::Program& program, Method method, double tol, Index max_iter,
                     std::int64_t seed, const relu::Point* warm, const Context& context) {
    switch (method) {
        case Method::Auto: {
            relu::SolveOptions options;
            options.tol = tol;
            options.max_iter = max_iter;
            return relu::solve_program(program, options, warm, context);
        }
        case Method::InteriorPoint: {
            relu::InteriorPointOptions options;
            options.tol = tol;
            options.max_iter = max_iter;
            return relu::solve_interior_point(program, options, context);
        }
        case Method::Admm: {
            relu::AdmmOptions options;
            options.tol = tol;
            options.max_iter = max_iter;
            return relu::solve_admm(program, options, warm, context);
        }
        case Method::Published: {
            relu::DenseAdmmOptions options;
            options.tol = tol;
            options.max_iter = max_iter;
            return relu::solve_dense_admm(program, options, context);
        }
        default: {
            relu::BlockDescentOptions options;
            options.tol = tol;
            options.max_iter = max_iter;
            options.seed = static_cast<std::uint64_t>(seed);
            return relu::solve_block_descent_admm(program, options, context);
        }
    }
}

py::dict relu_solve(const Columns& x, const Columns& y, const py::object& weights,
                    const std::string& loss, double parameter, const Masks& active,
                    const Columns& generators, const std::vector<Index>& block_pattern,
                    const Columns& directions, double alpha, bool intercept, bool gated,
                    const std::string& method, double tol, Index max_iter,
                    const std::optional<py::dict>& warm, std::int64_t seed, int n_threads,
                    double time_limit, const py::object& observer) {
    const ReluProblem problem(x, y, weights, loss, parameter, active, generators, block_pattern,
                              directions, alpha, intercept, gated);
    const auto kind = pick<Method>(method,
                                   {{"auto", Method::Auto},
                                    {"admm", Method::Admm},
                                    {"interior_point", Method::InteriorPoint},
                                    {"published", Method::Published},
                                    {"rbcd", Method::BlockDescent}},
                                   "method");
    std::optional<relu::Point> start;
    if (warm) start = view_point(problem.program, *warm);
    PythonObserver watcher(observer);
    relu::Solution solution;
    {
        const py::gil_scoped_release release;
        Monitor monitor(&watcher, time_limit);
        solution = solve(problem.program, kind, tol, max_iter, seed, start ? &*start : nullptr,
                         {usable_threads(n_threads), &monitor});
    }
    watcher.raise_pending();
    return solution_dict(problem.program, solution);
}

}  // namespace

ReluProblem::ReluProblem(const Columns& x, const Columns& y, const py::object& weights,
                         const std::string& loss_name, double parameter, const Masks& active,
                         const Columns& generators, const std::vector<Index>& block_pattern,
                         const Columns& directions, double alpha, bool intercept, bool gated)
    : loss(relu::make_loss(relu_loss(loss_name), y,
                           weights.is_none() ? nullptr : view_vector(weights, "weights", x.rows()),
                           parameter)),
      patterns{active, generators},
      blocks{block_pattern, directions},
      program{x, *loss, patterns, blocks, alpha, intercept, gated} {
    const Index n = x.rows(), count = active.cols();
    const auto require = [](bool fine, const char* what) {
        if (!fine) throw py::value_error(what);
    };
    require(n > 0 && x.cols() > 0, "X must not be empty");
    require(y.rows() == n && y.cols() > 0, "y must have a row for each row of X");
    require(active.rows() == n, "patterns must have a row for each row of X");
    require(generators.rows() == x.cols() && generators.cols() == count,
            "generators must be columns of X x patterns");
    require(directions.rows() == y.cols() &&
                directions.cols() == static_cast<Index>(block_pattern.size()) &&
                directions.cols() > 0,
            "directions must be outputs x blocks, with one block_pattern each");
    for (const Index pattern : block_pattern) {
        require(pattern >= 0 && pattern < count, "block_pattern must name columns of patterns");
    }
    require(alpha > 0, "alpha must be positive");
}

relu::LossKind relu_loss(const std::string& name) {
    using relu::LossKind;
    return pick<LossKind>(name,
                          {{"squared", LossKind::Squared},
                           {"logistic", LossKind::Logistic},
                           {"hinge", LossKind::Hinge},
                           {"squared_hinge", LossKind::SquaredHinge},
                           {"huber", LossKind::Huber},
                           {"quantile", LossKind::Quantile},
                           {"softmax", LossKind::Softmax}},
                          "loss");
}

relu::Point view_point(const relu::Program& program, const py::dict& warm) {
    const auto matrix = [&](const char* name, Index rows, Index columns) -> Matrix {
        if (!warm.contains(name)) return {};
        auto value = warm[name].cast<Matrix>();
        if (value.rows() != rows || value.cols() != columns) {
            throw py::value_error(std::string("warm start: ") + name + " has the wrong shape");
        }
        return value;
    };
    const Index n = program.x.rows(), blocks = program.blocks.count();
    const Index outputs = program.blocks.direction.rows();
    relu::Point point;
    point.v = matrix("v", program.x.cols(), blocks);
    if (point.v.size() == 0) throw py::value_error("warm start: v is missing");
    point.c = relu::RowVector::Zero(outputs);
    if (warm.contains("intercept")) {
        point.c = warm["intercept"].cast<relu::Vector>().transpose();
        if (point.c.size() != outputs) {
            throw py::value_error("warm start: intercept has the wrong length");
        }
    }
    point.dual = matrix("dual", n, outputs);
    point.cone_multipliers = matrix("cone_multipliers", n, blocks);
    return point;
}

py::dict solution_dict(const relu::Program& program, const relu::Solution& solution) {
    const relu::Network network = relu::recover(program, solution.point);
    py::dict out;
    out["v"] = solution.point.v;
    out["intercept"] = relu::Vector(solution.point.c.transpose());
    out["dual"] = solution.point.dual;
    out["cone_multipliers"] = solution.point.cone_multipliers;
    out["hidden"] = network.u;
    out["output"] = network.a;
    out["network_objective"] = relu::network_objective(program, network);
    out["objective"] = solution.objective;
    out["lower_bound"] = solution.lower_bound;
    out["n_iter"] = solution.n_iter;
    out["status"] = solution.status;
    out["trace"] = trace_columns(solution.trace);
    return out;
}

void bind_relu(py::module_& m) {
    using namespace py::literals;
    m.def("relu_solve", &relu_solve, "X"_a, "y"_a, "weights"_a, py::kw_only(), "loss"_a,
          "parameter"_a, "patterns"_a, "generators"_a, "block_pattern"_a, "directions"_a, "alpha"_a,
          "intercept"_a, "gated"_a, "method"_a, "tol"_a, "max_iter"_a, "warm"_a, "seed"_a,
          "n_threads"_a, "time_limit"_a, "observer"_a,
          "The convex program of a two-layer ReLU network; see _core.pyi.");
}

}  // namespace cycloid::bindings
