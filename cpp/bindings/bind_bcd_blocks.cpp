#include "cycloid/bcd/block_descent.hpp"
#include "cycloid/core/parallel.hpp"
#include "graph.hpp"

namespace cycloid::bindings {
namespace {

using bcd::BlockProblem;
using bcd::PartitionKind;
using bcd::Rule;
using bcd::Separable;
using bcd::UpdateKind;

std::vector<double> copy_vector(const py::object& array, const char* name, Index length) {
    const auto count = static_cast<Index>(py::len(array));
    const double* values = view_vector(array, name, count == 1 ? 1 : length);
    return {values, values + count};
}

// A problem with the data it refers to: it stays where it was made.
struct ProblemView {
    ProblemView() = default;
    ProblemView(const ProblemView&) = delete;
    ProblemView& operator=(const ProblemView&) = delete;

    MatrixView matrix;
    bcd::SparseSymmetric graph;
    std::vector<Index> codes;
    std::unique_ptr<BlockProblem> problem;
};

void view_problem(ProblemView& view, const std::string& kind, const py::object& a,
                  const py::object& b, Index n_classes, double l2, const py::object& l1,
                  const py::object& lower, const py::object& upper, const Context& context) {
    const auto separable = [&](Index size) {
        return Separable{copy_vector(l1, "l1", size), copy_vector(lower, "lower", size),
                         copy_vector(upper, "upper", size)};
    };
    if (kind == "quadratic") {
        view.graph = copy_symmetric(a);
        const Index n = view.graph.size();
        view.problem = bcd::make_quadratic(view.graph, view_vector(b, "b", n), separable(n));
        return;
    }
    view.matrix = view_matrix(a);
    const Operator& x = *view.matrix.matrix;
    if (kind == "softmax") {
        const double* labels = view_vector(b, "b", x.rows());
        for (Index i = 0; i < x.rows(); ++i) {
            if (!(labels[i] >= 0 && labels[i] < static_cast<double>(n_classes))) {
                throw py::value_error("b must hold indices of classes");
            }
            view.codes.push_back(static_cast<Index>(labels[i]));
        }
        view.problem = bcd::make_softmax(x, view.codes.data(), n_classes, l2,
                                         separable(x.columns() * n_classes), context);
        return;
    }
    const double* targets = view_vector(b, "b", x.rows());
    view.problem = (kind == "logistic" ? bcd::make_logistic : bcd::make_least_squares)(
        x, targets, l2, separable(x.columns()), context);
}

bcd::Partition view_partition(const py::object& partition, Index block_size,
                              const BlockProblem& problem) {
    if (!py::isinstance<py::str>(partition)) {
        std::vector<std::vector<Index>> blocks;
        blocks.reserve(py::len(partition));
        for (const py::handle block : partition) {
            const auto members = py::cast<py::array_t<Index, py::array::c_style>>(block);
            blocks.emplace_back(members.data(), members.data() + members.size());
        }
        return bcd::make_partition(std::move(blocks), problem.size());
    }
    const auto kind = pick<PartitionKind>(partition.cast<std::string>(),
                                          {{"variable", PartitionKind::Variable},
                                           {"order", PartitionKind::Order},
                                           {"sort", PartitionKind::Sort},
                                           {"average", PartitionKind::Average},
                                           {"red-black", PartitionKind::RedBlack},
                                           {"forests", PartitionKind::Forests},
                                           {"greedy-forest", PartitionKind::GreedyForest}},
                                          "partition");
    return bcd::make_partition(kind, block_size, problem);
}

Rule pick_rule(const std::string& selection) {
    return pick<Rule>(selection,
                      {{"random", Rule::Random},
                       {"cyclic", Rule::Cyclic},
                       {"lipschitz", Rule::Lipschitz},
                       {"gs", Rule::GaussSouthwell},
                       {"gsl", Rule::GSL},
                       {"gsd", Rule::GSD},
                       {"gsq", Rule::GSQ},
                       {"gs-s", Rule::GSs},
                       {"gs-r", Rule::GSr},
                       {"gs-q", Rule::GSq},
                       {"gsl-r", Rule::GSLr},
                       {"gsl-q", Rule::GSLq}},
                      "selection");
}

UpdateKind pick_update(const std::string& update) {
    return pick<UpdateKind>(update,
                            {{"gradient", UpdateKind::Gradient},
                             {"backtracking", UpdateKind::Backtracking},
                             {"matrix", UpdateKind::Matrix},
                             {"newton", UpdateKind::Newton},
                             {"two-metric", UpdateKind::TwoMetric}},
                            "update");
}

py::dict descend(const std::string& kind, const py::object& a, const py::object& b, Index n_classes,
                 double l2, const py::object& l1, const py::object& lower, const py::object& upper,
                 const py::object& x0, const py::object& partition, Index block_size,
                 const std::string& selection, const std::string& update, double rtol, double atol,
                 Index max_iter, std::uint64_t seed, int n_threads, double time_limit,
                 const py::object& observer) {
    PythonObserver watcher(observer);
    Monitor monitor(&watcher, time_limit);
    const Context context{usable_threads(n_threads), &monitor};
    ProblemView view;
    view_problem(view, kind, a, b, n_classes, l2, l1, lower, upper, context);
    bcd::DescentOptions options;
    options.rule = pick_rule(selection);
    options.update = pick_update(update);
    if (!x0.is_none()) options.start = view_vector(x0, "x0", view.problem->size());
    options.rtol = rtol;
    options.atol = atol;
    options.max_iter = max_iter;
    options.seed = seed;
    const bcd::Partition blocks = view_partition(partition, block_size, *view.problem);
    bcd::Descent found;
    {
        const py::gil_scoped_release release;
        found = bcd::descend_blocks(*view.problem, blocks, options, context);
    }
    watcher.raise_pending();
    py::dict out;
    out["x"] = to_array(found.x);
    out["objective"] = found.objective;
    out["violation"] = found.violation;
    out["tolerance"] = found.tolerance;
    out["n_iter"] = found.n_iter;
    out["status"] = static_cast<int>(found.status);
    out["trace"] = trace_columns(found.trace);
    return out;
}

}  // namespace

void bind_bcd_blocks(py::module_& m) {
    using namespace py::literals;
    m.def("descend_blocks", &descend, "problem"_a, "A"_a, "b"_a, py::kw_only(), "n_classes"_a,
          "l2"_a, "l1"_a, "lower"_a, "upper"_a, "x0"_a, "partition"_a, "block_size"_a,
          "selection"_a, "update"_a, "rtol"_a, "atol"_a, "max_iter"_a, "seed"_a, "n_threads"_a,
          "time_limit"_a, "observer"_a, "Block coordinate descent; see _core.pyi.");
}

}  // namespace cycloid::bindings
