#include <algorithm>

#include "common.hpp"
#include "cycloid/ot/block_cost.hpp"
#include "cycloid/ot/point_cost.hpp"
#include "ot.hpp"

namespace cycloid::bindings {
namespace {

using ot::Metric;

// A C-contiguous float64 array of points, viewed.
std::pair<const double*, std::pair<Index, Index>> view_points(const py::array& x,
                                                              const char* name) {
    const bool fine = py::isinstance<Vector>(x) && x.ndim() == 2 && x.shape(0) > 0 &&
                      x.shape(1) > 0 && (x.flags() & py::array::c_style) != 0;
    if (!fine) {
        throw py::value_error(std::string(name) +
                              " must be a contiguous float64 matrix that is not empty");
    }
    return {static_cast<const double*>(x.data()), {x.shape(0), x.shape(1)}};
}

std::unique_ptr<ot::Cost> view_point_cost(const py::array& x, const py::array& y,
                                          const std::string& metric) {
    const auto [rows, row_shape] = view_points(x, "X");
    const auto [columns, column_shape] = view_points(y, "Y");
    if (row_shape.second != column_shape.second) {
        throw py::value_error("X and Y must have the same number of columns");
    }
    const auto kind = pick<Metric>(metric,
                                   {{"sqeuclidean", Metric::SquaredEuclidean},
                                    {"euclidean", Metric::Euclidean},
                                    {"cityblock", Metric::CityBlock},
                                    {"cosine", Metric::Cosine}},
                                   "cost");
    return ot::make_point_cost(kind, rows, row_shape.first, columns, column_shape.first,
                               row_shape.second);
}

py::array_t<Index> order(const py::array& x) {
    const auto [points, shape] = view_points(x, "X");
    const py::gil_scoped_release release;
    const std::vector<Index> found = ot::order_points(points, shape.first, shape.second);
    const py::gil_scoped_acquire acquire;
    return to_array(found);
}

// Rows of costs from a Python function (list of rows) -> block. It runs in the thread that entered
// the core, which throws what it raises through the core: that is why such costs use one thread.
class PythonRows final : public ot::RowSource {
public:
    PythonRows(py::handle function, Index columns) : function_(function), columns_(columns) {}

    void rows(std::span<const Index> which, double* out) const override {
        const py::gil_scoped_acquire gil;
        const auto block = py::cast<py::array_t<double, py::array::c_style>>(
            function_(py::array_t<Index>(static_cast<py::ssize_t>(which.size()), which.data())));
        std::copy_n(block.data(), std::ssize(which) * columns_, out);
    }

private:
    py::handle function_;  // borrowed: may be destroyed without the GIL
    Index columns_;
};

py::dict solve_points(const py::object& a, const py::object& b, const py::array& X,
                      const py::array& Y, const py::object& cost, double reg,
                      const std::string& method, double tol, Index max_iter, const py::object& g,
                      Index n_sinkhorn, Index n_newton, double density, int n_threads,
                      double time_limit, const py::object& observer) {
    std::unique_ptr<ot::RowSource> source;
    std::unique_ptr<ot::Cost> costs;
    if (py::isinstance<py::str>(cost)) {
        costs = view_point_cost(X, Y, cost.cast<std::string>());
    } else {
        const Index n = view_points(X, "X").second.first, m = view_points(Y, "Y").second.first;
        source = std::make_unique<PythonRows>(cost, m);
        costs = ot::make_block_cost(*source, n, m);
        n_threads = 1;
    }
    return call_transport(
        *costs, a, b, reg,
        transport_options(method, tol, max_iter, n_sinkhorn, n_newton, density, n_threads), g,
        time_limit, observer);
}

}  // namespace

void bind_points(py::module_& m) {
    using namespace py::literals;
    m.def("order_points", &order, "X"_a, "Rows in the sequence of a k-d tree; see _core.pyi.");
    m.def("solve_points", &solve_points, "a"_a, "b"_a, "X"_a, "Y"_a, "cost"_a, "reg"_a,
          py::kw_only(), "method"_a, "tol"_a, "max_iter"_a, "g"_a, "n_sinkhorn"_a, "n_newton"_a,
          "density"_a, "n_threads"_a, "time_limit"_a, "observer"_a,
          "Entropic optimal transport between two point clouds; see _core.pyi.");
}

}  // namespace cycloid::bindings
