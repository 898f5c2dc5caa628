#include <optional>

#include "common.hpp"
#include "cycloid/relu/train.hpp"

namespace cycloid::bindings {
namespace {

using relu::LossKind;
using relu::Matrix;
using relu::TrainMode;
using Columns = py::array_t<double, py::array::f_style>;

// A Fortran-contiguous float64 matrix that is not empty, viewed; `rows` below zero: any.
Eigen::Map<const Matrix> view_columns(const py::array& array, const char* name, Index rows) {
    const bool fine = py::isinstance<Columns>(array) && array.ndim() == 2 && array.shape(0) > 0 &&
                      array.shape(1) > 0 && (array.flags() & py::array::f_style) != 0;
    if (!fine) {
        throw py::value_error(std::string(name) +
                              " must be a Fortran-contiguous float64 matrix that is not empty");
    }
    if (rows >= 0 && array.shape(0) != rows) {
        throw py::value_error(std::string(name) + " must have " + std::to_string(rows) + " rows");
    }
    return {static_cast<const double*>(array.data()), array.shape(0), array.shape(1)};
}

template <class Dense>
py::array to_columns(const Dense& matrix) {
    using Scalar = typename Dense::Scalar;
    return py::array_t<Scalar, py::array::f_style>({matrix.rows(), matrix.cols()}, matrix.data());
}

py::dict patterns_dict(const relu::Patterns& patterns) {
    py::dict out;
    out["active"] = to_columns(patterns.active);
    out["generators"] = to_columns(patterns.generators);
    return out;
}

py::dict relu_patterns(const py::array& X, const std::string& source, Index n_patterns,
                       double radius, std::uint64_t seed, int n_threads,
                       const py::object& observer) {
    const auto x = view_columns(X, "X", -1);
    enum class Source { Gaussian, Differences, Perturbed, All };
    const auto kind = pick<Source>(source,
                                   {{"gaussian", Source::Gaussian},
                                    {"differences", Source::Differences},
                                    {"perturbed", Source::Perturbed},
                                    {"all", Source::All}},
                                   "source");
    if (kind == Source::All && relu::pattern_count(x) > relu::most_patterns) {
        throw py::value_error("X has too many activation patterns to list them all");
    }
    PythonObserver watch(observer);
    Monitor monitor(&watch);
    const Context context{usable_threads(n_threads), &monitor};
    relu::Patterns found;
    {
        const py::gil_scoped_release release;
        if (kind == Source::All) {
            found = relu::all_patterns(x, context);
        } else if (kind == Source::Perturbed) {
            found = relu::sample_perturbed_patterns(x, radius, n_patterns, seed, context);
        } else {
            found =
                relu::sample_patterns(x,
                                      kind == Source::Gaussian ? relu::PatternSource::Gaussian
                                                               : relu::PatternSource::Differences,
                                      n_patterns, seed, context);
        }
    }
    watch.raise_pending();
    return patterns_dict(found);
}

py::dict relu_train(const py::array& X, const py::array& y, const py::object& weights,
                    const std::string& loss, double loss_parameter, double alpha,
                    const std::string& mode, Index n_neurons, Index n_restarts, Index n_patterns,
                    Index max_rounds, double tol, bool intercept, const py::object& start,
                    double most_work, std::uint64_t seed, int n_threads, double time_limit,
                    const py::object& observer) {
    const auto x = view_columns(X, "X", -1);
    const auto targets = view_columns(y, "y", x.rows());
    const auto kind = pick<LossKind>(loss,
                                     {{"squared", LossKind::Squared},
                                      {"logistic", LossKind::Logistic},
                                      {"hinge", LossKind::Hinge},
                                      {"squared_hinge", LossKind::SquaredHinge},
                                      {"huber", LossKind::Huber},
                                      {"quantile", LossKind::Quantile},
                                      {"softmax", LossKind::Softmax}},
                                     "loss");
    relu::TrainOptions options;
    options.mode = pick<TrainMode>(
        mode,
        {{"refined", TrainMode::Refined}, {"random", TrainMode::Random}, {"all", TrainMode::All}},
        "mode");
    options.n_neurons = n_neurons;
    options.n_restarts = n_restarts;
    options.n_patterns = n_patterns;
    options.max_rounds = max_rounds;
    options.tol = tol;
    options.intercept = intercept;
    options.most_work = most_work;
    options.seed = seed;
    options.n_threads = usable_threads(n_threads);
    relu::Network initial;
    if (!start.is_none()) {
        const auto [u, a, c] = start.cast<std::tuple<py::array, py::array, py::array>>();
        initial.u = view_columns(u, "start[0]", x.cols());
        initial.a = view_columns(a, "start[1]", targets.cols());
        initial.c = view_columns(c, "start[2]", 1);
        if (initial.u.cols() != initial.a.cols() || initial.c.cols() != targets.cols()) {
            throw py::value_error("start must hold U (d x m), A (outputs x m), c (1 x outputs)");
        }
        options.start = &initial;
    }
    const double* weight = weights.is_none() ? nullptr : view_vector(weights, "weights", x.rows());
    PythonObserver watch(observer);
    Monitor monitor(&watch, time_limit);
    relu::TrainResult found;
    {
        const py::gil_scoped_release release;
        const auto measure = relu::make_loss(kind, targets, weight, loss_parameter);
        found = relu::train(x, *measure, alpha, options, monitor);
    }
    watch.raise_pending();
    py::dict out;
    out["u"] = to_columns(found.network.u);
    out["a"] = to_columns(found.network.a);
    out["c"] = to_columns(found.network.c);
    out["objective"] = found.objective;
    out["lower_bound"] = found.lower_bound;
    out["bound_is_rigorous"] = found.bound_is_rigorous;
    out["rigorous_bound"] = found.rigorous_bound;
    out["program_gap"] = found.program_gap;
    out["n_patterns"] = found.n_patterns;
    out["n_blocks"] = found.n_blocks;
    out["n_rounds"] = found.n_rounds;
    out["n_programs"] = found.n_programs;
    out["status"] = found.status;
    out["trace"] = trace_columns(found.trace);
    return out;
}

}  // namespace

void bind_relu_train(py::module_& m) {
    using namespace py::literals;
    m.def("relu_patterns", &relu_patterns, "X"_a, py::kw_only(), "source"_a, "n_patterns"_a,
          "radius"_a, "seed"_a, "n_threads"_a, "observer"_a,
          "Activation patterns, sampled or all; see _core.pyi.");
    m.def("relu_train", &relu_train, "X"_a, "y"_a, "weights"_a, py::kw_only(), "loss"_a,
          "loss_parameter"_a, "alpha"_a, "mode"_a, "n_neurons"_a, "n_restarts"_a, "n_patterns"_a,
          "max_rounds"_a, "tol"_a, "intercept"_a, "start"_a, "most_work"_a, "seed"_a, "n_threads"_a,
          "time_limit"_a, "observer"_a, "Trains a two-layer ReLU network; see _core.pyi.");
}

}  // namespace cycloid::bindings
