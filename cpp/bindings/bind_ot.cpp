#include "common.hpp"
#include "cycloid/core/parallel.hpp"
#include "ot.hpp"

namespace cycloid::bindings {
namespace {

using ot::Method;
using ot::Transport;

template <class Scalar>
std::unique_ptr<ot::Cost> dense_cost(const py::array& m) {
    const auto size = static_cast<py::ssize_t>(sizeof(Scalar));
    const bool by_row = m.strides(1) == size || m.shape(1) == 1;
    if (!by_row || m.strides(0) % size != 0) throw py::type_error("M must be stored by rows");
    return ot::make_dense_cost(static_cast<const Scalar*>(m.data()), Index{m.shape(0)},
                               Index{m.shape(1)}, Index{m.strides(0) / size});
}

}  // namespace

std::unique_ptr<ot::Cost> view_cost(const py::array& m) {
    if (m.ndim() != 2 || m.shape(0) < 1 || m.shape(1) < 1) {
        throw py::value_error("M must be two-dimensional and not empty");
    }
    if (py::isinstance<py::array_t<double>>(m)) return dense_cost<double>(m);
    if (py::isinstance<py::array_t<float>>(m)) return dense_cost<float>(m);
    throw py::type_error("M must be float32 or float64");
}

namespace {

py::dict to_dict(const Transport& result) {
    py::dict out;
    out["f"] = to_array(result.f);
    out["g"] = to_array(result.g);
    out["value"] = result.value;
    out["transport_cost"] = result.transport_cost;
    out["dual_value"] = result.dual;
    out["gap"] = result.gap;
    out["violation"] = result.violation;
    out["status"] = static_cast<int>(result.status);
    out["n_iter"] = result.n_iter;
    out["n_passes"] = result.n_passes;
    out["trace"] = trace_columns(result.trace);
    return out;
}

py::dict solve_transport(const py::object& a, const py::object& b, const py::array& M, double reg,
                         const std::string& method, double tol, Index max_iter, const py::object& g,
                         Index n_sinkhorn, Index n_newton, double density, int n_threads,
                         double time_limit, const py::object& observer) {
    return call_transport(
        *view_cost(M), a, b, reg,
        transport_options(method, tol, max_iter, n_sinkhorn, n_newton, density, n_threads), g,
        time_limit, observer);
}

}  // namespace

ot::Options transport_options(const std::string& method, double tol, Index max_iter,
                              Index n_sinkhorn, Index n_newton, double density, int n_threads) {
    ot::Options options;
    options.method = pick<Method>(
        method, {{"auto", Method::Auto}, {"sinkhorn", Method::Sinkhorn}, {"sns", Method::Sns}},
        "method");
    options.tol = tol;
    options.max_iter = max_iter;
    options.n_sinkhorn = n_sinkhorn;
    options.n_newton = n_newton;
    options.density = density;
    options.n_threads = usable_threads(n_threads);
    return options;
}

py::dict call_transport(const ot::Cost& cost, const py::object& a, const py::object& b, double reg,
                        ot::Options options, const py::object& g, double time_limit,
                        const py::object& observer) {
    const Index n = cost.rows(), m = cost.columns();
    const ot::Problem problem{cost, view_vector(a, "a", n), view_vector(b, "b", m), reg};
    if (!g.is_none()) options.g = view_vector(g, "g", m);
    PythonObserver watcher(observer);
    Transport result;
    {
        const py::gil_scoped_release release;
        Monitor monitor(&watcher, time_limit);
        result = ot::solve(problem, options, monitor);
    }
    watcher.raise_pending();
    return to_dict(result);
}

void bind_ot(py::module_& m) {
    using namespace py::literals;
    m.def("solve_transport", &solve_transport, "a"_a, "b"_a, "M"_a, "reg"_a, py::kw_only(),
          "method"_a, "tol"_a, "max_iter"_a, "g"_a, "n_sinkhorn"_a, "n_newton"_a, "density"_a,
          "n_threads"_a, "time_limit"_a, "observer"_a,
          "Entropic optimal transport between two histograms; see _core.pyi.");
}

}  // namespace cycloid::bindings
