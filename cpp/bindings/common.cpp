#include "common.hpp"

#include <cmath>
#include <span>

#include "matrix.hpp"

namespace cycloid::bindings {
namespace {

struct MakeOperator {
    std::unique_ptr<Operator>& matrix;

    template <class Scalar>
    void dense(const Scalar* data, Index rows, Index columns, Index row_stride,
               Index column_stride) const {
        matrix = make_dense(data, rows, columns, row_stride, column_stride);
    }
    template <class Scalar, class StorageIndex>
    void compressed(bool by_column, const Scalar* values, const StorageIndex* indices,
                    const StorageIndex* starts, Index rows, Index columns) const {
        matrix = by_column ? make_csc(values, indices, starts, rows, columns)
                           : make_csr(values, indices, starts, rows, columns);
    }
};

}  // namespace

MatrixView view_matrix(const py::object& x) {
    MatrixView view;
    view.keep = visit_matrix(x, MakeOperator{view.matrix});
    return view;
}

const double* view_vector(const py::object& array, const char* name, Index length) {
    const auto fail = [&](const std::string& expected) {
        throw py::value_error(std::string(name) + " must be " + expected);
    };
    if (!holds<double>(array) || !contiguous(py::reinterpret_borrow<py::array>(array))) {
        fail("a contiguous float64 array");
    }
    const auto vector = py::reinterpret_borrow<py::array>(array);
    if (vector.ndim() != 1 || vector.shape(0) != length) {
        fail("of length " + std::to_string(length));
    }
    return static_cast<const double*>(vector.data());
}

std::vector<double> normalised(const py::object& weights, Index n) {
    if (weights.is_none()) {
        return std::vector<double>(static_cast<std::size_t>(n), 1.0 / static_cast<double>(n));
    }
    const double* given = view_vector(weights, "weights", n);
    std::vector<double> w(given, given + n);
    double total = 0;
    for (const double v : w) {
        if (!(v >= 0)) throw py::value_error("weights must not be negative");
        total += v;
    }
    if (!(total > 0) || !std::isfinite(total)) {
        throw py::value_error("weights must have a positive, finite sum");
    }
    for (double& v : w) v /= total;
    return w;
}

py::dict trace_columns(const Trace& trace) {
    py::dict columns;
    const auto rows = trace.rows();
    for (std::size_t c = 0; c < trace.names().size(); ++c) {
        py::array_t<double> column(static_cast<py::ssize_t>(rows));
        for (std::size_t r = 0; r < rows; ++r)
            column.mutable_at(static_cast<py::ssize_t>(r)) = trace.row(r)[c];
        columns[py::str(trace.names()[c])] = column;
    }
    return columns;
}

bool PythonObserver::wants_stop(const Trace& trace) {
    if (callback_.is_none()) return false;
    const py::gil_scoped_acquire gil;
    try {
        py::dict row;
        const std::span<const double> last = trace.row(trace.rows() - 1);
        for (std::size_t c = 0; c < last.size(); ++c) row[py::str(trace.names()[c])] = last[c];
        return py::bool_(callback_(row));
    } catch (py::error_already_set& error) {
        pending_ = std::make_unique<py::error_already_set>(std::move(error));
        return true;
    }
}

bool PythonObserver::interrupted() {
    const py::gil_scoped_acquire gil;
    if (PyErr_CheckSignals() == 0) return false;
    pending_ = std::make_unique<py::error_already_set>();
    return true;
}

void PythonObserver::raise_pending() {
    if (pending_) throw py::error_already_set(std::move(*pending_));
}

}  // namespace cycloid::bindings
