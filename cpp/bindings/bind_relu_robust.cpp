#include <pybind11/eigen.h>

#include "common.hpp"
#include "cycloid/core/parallel.hpp"
#include "cycloid/relu/attack.hpp"
#include "cycloid/relu/robust.hpp"

namespace cycloid::bindings {
namespace {

using relu::Ball;
using relu::Mask;
using relu::Matrix;
using relu::MatrixView;

using MaskView = Eigen::Ref<const Mask>;
using IndexVector = py::array_t<Index, py::array::c_style | py::array::forcecast>;

Ball make_ball(double radius, const std::string& norm, Index columns, Index width) {
    if (columns < 0 || columns > width) {
        throw py::value_error("n_perturbed must lie between 0 and the number of columns of X");
    }
    return {radius,
            pick<relu::Norm>(norm, {{"l2", relu::Norm::L2}, {"linf", relu::Norm::Linf}}, "norm"),
            columns};
}

relu::LossKind pick_loss(const std::string& loss) {
    return pick<relu::LossKind>(loss,
                                {{"squared", relu::LossKind::Squared},
                                 {"logistic", relu::LossKind::Logistic},
                                 {"hinge", relu::LossKind::Hinge},
                                 {"squared_hinge", relu::LossKind::SquaredHinge}},
                                "loss");
}

py::dict solve(const MatrixView& x, const py::object& y, const py::object& weights,
               const MaskView& active, const MatrixView& generators, const IndexVector& pattern,
               const py::object& direction, const std::string& loss, double alpha, bool intercept,
               double radius, const std::string& norm, Index n_perturbed, const py::object& v,
               double c, double rtol, Index max_iter, int n_threads, double time_limit,
               const py::object& observer) {
    const Index n = x.rows(), count = pattern.size();
    if (active.rows() != n || generators.rows() != x.cols() || generators.cols() != active.cols()) {
        throw py::value_error("active must be n x P and generators d x P");
    }
    relu::Patterns patterns{active, generators};
    relu::Blocks blocks;
    blocks.pattern.assign(pattern.data(), pattern.data() + count);
    for (const Index p : blocks.pattern) {
        if (p < 0 || p >= patterns.count()) throw py::value_error("pattern names no pattern");
    }
    const double* signs = view_vector(direction, "direction", count);
    blocks.direction = Eigen::Map<const relu::RowVector>(signs, count);
    const double* targets = view_vector(y, "y", n);
    const double* w = weights.is_none() ? nullptr : view_vector(weights, "weights", n);
    relu::Point start;
    if (!v.is_none()) {
        start.v = v.cast<Matrix>();
        if (start.v.rows() != x.cols() || start.v.cols() != count) {
            throw py::value_error("v must be d x B");
        }
        start.c = relu::RowVector::Constant(1, c);
    }
    const Ball ball = make_ball(radius, norm, n_perturbed, x.cols());
    const auto made =
        relu::make_loss(pick_loss(loss), Eigen::Map<const Matrix>(targets, n, 1), w, 0);
    PythonObserver watcher(observer);
    relu::Solution solution;
    {
        const py::gil_scoped_release release;
        Monitor monitor(&watcher, time_limit);
        const relu::Program program{x, *made, patterns, blocks, alpha, intercept};
        const relu::RobustProgram robust(program, ball);
        solution =
            relu::solve_robust(robust, start, {rtol, max_iter}, monitor, usable_threads(n_threads));
    }
    watcher.raise_pending();
    py::dict out;
    out["v"] = solution.point.v;
    out["c"] = solution.point.c.size() > 0 ? solution.point.c[0] : 0.0;
    out["dual"] = Matrix(solution.point.dual);
    out["objective"] = solution.objective;
    out["lower_bound"] = solution.lower_bound;
    out["n_iter"] = solution.n_iter;
    out["status"] = solution.status;
    out["trace"] = trace_columns(solution.trace);
    return out;
}

py::tuple generators(const MatrixView& x, const MaskView& active, double radius,
                     const std::string& norm, Index n_perturbed, Index max_iter, int n_threads,
                     const py::object& observer) {
    if (active.rows() != x.rows()) throw py::value_error("active must have a row per row of X");
    const Ball ball = make_ball(radius, norm, n_perturbed, x.cols());
    PythonObserver watcher(observer);
    relu::Patterns found;
    {
        const py::gil_scoped_release release;
        Monitor monitor(&watcher);
        found = relu::robust_generators(x, active, ball, max_iter,
                                        {usable_threads(n_threads), &monitor});
    }
    watcher.raise_pending();
    return py::make_tuple(found.active, found.generators);
}

py::tuple gaps(const MatrixView& x, const MatrixView& directions, double radius,
               const std::string& norm, Index n_perturbed, Index most, const py::object& observer) {
    if (directions.rows() != x.cols()) {
        throw py::value_error("directions must have a row for each column of X");
    }
    const Ball ball = make_ball(radius, norm, n_perturbed, x.cols());
    PythonObserver watcher(observer);
    relu::Patterns found;
    {
        const py::gil_scoped_release release;
        Monitor monitor(&watcher);
        found = relu::gap_patterns(x, directions, ball, most, {1, &monitor});
    }
    watcher.raise_pending();
    return py::make_tuple(found.active, found.generators);
}

py::tuple search(const MatrixView& x, const py::object& y, const py::object& weights,
                 Index n_neurons, const std::string& loss, double alpha, bool intercept,
                 double radius, const std::string& norm, Index n_perturbed, Index max_iter,
                 std::uint64_t seed, int n_threads, const py::object& observer) {
    const Index n = x.rows();
    const double* targets = view_vector(y, "y", n);
    const double* w = weights.is_none() ? nullptr : view_vector(weights, "weights", n);
    const Ball ball = make_ball(radius, norm, n_perturbed, x.cols());
    const auto made =
        relu::make_loss(pick_loss(loss), Eigen::Map<const Matrix>(targets, n, 1), w, 0);
    PythonObserver watcher(observer);
    relu::Network found;
    {
        const py::gil_scoped_release release;
        Monitor monitor(&watcher);
        found = relu::search_robust(x, *made, alpha, intercept, ball, n_neurons, max_iter, seed,
                                    {usable_threads(n_threads), &monitor});
    }
    watcher.raise_pending();
    return py::make_tuple(found.u, found.a, found.c[0]);
}

relu::Labels view_labels(const IndexVector& labels, Index rows, Index outputs) {
    if (labels.ndim() != 1 || labels.size() != rows) {
        throw py::value_error("labels must have one entry for each row of X");
    }
    relu::Labels out{{labels.data(), labels.data() + rows}};
    for (const Index label : out.of) {
        const bool fine = outputs == 1 ? label == 1 || label == -1 : label >= 0 && label < outputs;
        if (!fine) throw py::value_error("labels must be -1 or +1 for one output, else its index");
    }
    return out;
}

relu::Network make_network(const MatrixView& u, const MatrixView& a, const py::object& c,
                           Index columns) {
    if (u.rows() != columns || a.cols() != u.cols() || a.rows() < 1) {
        throw py::value_error("u must be d x m and a be c x m");
    }
    return {u, a, Eigen::Map<const relu::RowVector>(view_vector(c, "c", a.rows()), a.rows())};
}

py::tuple run_attack(const MatrixView& x, const IndexVector& labels, const MatrixView& u,
                     const MatrixView& a, const py::object& c, double radius,
                     const std::string& norm, Index n_perturbed, int steps, int restarts,
                     std::uint64_t seed, double low, double high, int n_threads,
                     const py::object& observer) {
    const relu::Network network = make_network(u, a, c, x.cols());
    const relu::Labels truth = view_labels(labels, x.rows(), a.rows());
    const Ball ball = make_ball(radius, norm, n_perturbed, x.cols());
    PythonObserver watcher(observer);
    relu::AttackResult result;
    {
        const py::gil_scoped_release release;
        Monitor monitor(&watcher);
        result = relu::attack(x, truth, network, ball, {steps, restarts, seed, low, high},
                              {usable_threads(n_threads), &monitor});
    }
    watcher.raise_pending();
    return py::make_tuple(result.x, result.margin);
}

py::tuple run_certify(const MatrixView& x, const IndexVector& labels, const MatrixView& u,
                      const MatrixView& a, const py::object& c, double radius,
                      const std::string& norm, Index n_perturbed, Index max_nodes, int n_threads,
                      const py::object& observer) {
    const relu::Network network = make_network(u, a, c, x.cols());
    const relu::Labels truth = view_labels(labels, x.rows(), a.rows());
    const Ball ball = make_ball(radius, norm, n_perturbed, x.cols());
    PythonObserver watcher(observer);
    relu::Certificate result;
    {
        const py::gil_scoped_release release;
        Monitor monitor(&watcher);
        result = relu::certify(x, truth, network, ball, {max_nodes},
                               {usable_threads(n_threads), &monitor});
    }
    watcher.raise_pending();
    return py::make_tuple(result.lower, result.upper);
}

}  // namespace

void bind_relu_robust(py::module_& m) {
    using namespace py::literals;
    m.def("solve_robust_relu", &solve, "X"_a, "y"_a, "weights"_a, py::kw_only(), "active"_a,
          "generators"_a, "pattern"_a, "direction"_a, "loss"_a, "alpha"_a, "intercept"_a,
          "radius"_a, "norm"_a, "n_perturbed"_a, "v"_a, "c"_a, "rtol"_a, "max_iter"_a,
          "n_threads"_a, "time_limit"_a, "observer"_a,
          "The robust convex program of given patterns; see _core.pyi.");
    m.def("robust_generators", &generators, "X"_a, "active"_a, py::kw_only(), "radius"_a, "norm"_a,
          "n_perturbed"_a, "max_iter"_a, "n_threads"_a, "observer"_a,
          "Points deep inside robust cones; see _core.pyi.");
    m.def("gap_patterns", &gaps, "X"_a, "directions"_a, py::kw_only(), "radius"_a, "norm"_a,
          "n_perturbed"_a, "most"_a, "observer"_a,
          "Robust patterns of hyperplanes through gaps; see _core.pyi.");
    m.def("search_robust_relu", &search, "X"_a, "y"_a, "weights"_a, py::kw_only(), "n_neurons"_a,
          "loss"_a, "alpha"_a, "intercept"_a, "radius"_a, "norm"_a, "n_perturbed"_a, "max_iter"_a,
          "seed"_a, "n_threads"_a, "observer"_a,
          "A local search for neurons with robust cones; see _core.pyi.");
    m.def("attack_relu", &run_attack, "X"_a, "labels"_a, py::kw_only(), "u"_a, "a"_a, "c"_a,
          "radius"_a, "norm"_a, "n_perturbed"_a, "steps"_a, "restarts"_a, "seed"_a, "low"_a,
          "high"_a, "n_threads"_a, "observer"_a, "The worst inputs found; see _core.pyi.");
    m.def("certify_relu", &run_certify, "X"_a, "labels"_a, py::kw_only(), "u"_a, "a"_a, "c"_a,
          "radius"_a, "norm"_a, "n_perturbed"_a, "max_nodes"_a, "n_threads"_a, "observer"_a,
          "Bounds of the worst margin of each row; see _core.pyi.");
}

}  // namespace cycloid::bindings
