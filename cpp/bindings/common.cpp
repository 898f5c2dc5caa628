#include "common.hpp"

#include <cstdint>
#include <span>

namespace cycloid::bindings {
namespace {

template <class Scalar>
std::unique_ptr<Operator> dense(const py::array& x) {
    const auto size = static_cast<py::ssize_t>(sizeof(Scalar));
    const Index rows = x.shape(0), columns = x.shape(1);
    const bool whole = x.strides(0) % size == 0 && x.strides(1) % size == 0;
    const Index row_stride = x.strides(0) / size, column_stride = x.strides(1) / size;
    const bool by_column =
        (row_stride == 1 || rows == 1) && (column_stride >= rows || columns == 1);
    const bool by_row =
        (column_stride == 1 || columns == 1) && (row_stride >= columns || rows == 1);
    if (!whole || (!by_column && !by_row)) {
        throw py::type_error(
            "X must be stored by rows or by columns; pass numpy.asfortranarray(X)");
    }
    const auto* data = static_cast<const Scalar*>(x.data());
    if (by_column) return make_dense(data, rows, columns, Index{1}, std::max(column_stride, rows));
    return make_dense(data, rows, columns, std::max(row_stride, columns), Index{1});
}

template <class Scalar, class StorageIndex>
std::unique_ptr<Operator> compressed(const py::array& data, const py::array& indices,
                                     const py::array& starts, Index rows, Index columns,
                                     bool by_column) {
    const auto* values = static_cast<const Scalar*>(data.data());
    const auto* index = static_cast<const StorageIndex*>(indices.data());
    const auto* start = static_cast<const StorageIndex*>(starts.data());
    const Index major = by_column ? columns : rows;
    if (starts.size() != major + 1) {
        throw py::value_error("X.indptr has the wrong length");
    }
    if (start[major] > static_cast<StorageIndex>(data.size()) || data.size() > indices.size()) {
        throw py::value_error("X.indptr points beyond X.data");
    }
    return by_column ? make_csc(values, index, start, rows, columns)
                     : make_csr(values, index, start, rows, columns);
}

bool contiguous(const py::array& a) { return (a.flags() & py::array::c_style) != 0; }

template <class Scalar>
bool is(const py::array& a) {
    return py::isinstance<py::array_t<Scalar>>(a);
}

}  // namespace

MatrixView view_matrix(const py::object& x) {
    MatrixView view;
    if (py::isinstance<py::array>(x)) {
        const auto array = py::reinterpret_borrow<py::array>(x);
        if (array.ndim() != 2) throw py::value_error("X must be two-dimensional");
        if (array.shape(0) < 1 || array.shape(1) < 1) throw py::value_error("X must not be empty");
        view.keep.push_back(array);
        if (is<double>(array)) {
            view.matrix = dense<double>(array);
        } else if (is<float>(array)) {
            view.matrix = dense<float>(array);
        } else {
            throw py::type_error("X must be float32 or float64");
        }
        return view;
    }
    if (!py::hasattr(x, "format") || !py::hasattr(x, "indptr")) {
        throw py::type_error("X must be a numpy array or a scipy.sparse CSC or CSR matrix");
    }
    const auto format = x.attr("format").cast<std::string>();
    if (format != "csc" && format != "csr") throw py::type_error("sparse X must be CSC or CSR");
    const py::array data = x.attr("data"), indices = x.attr("indices"), starts = x.attr("indptr");
    const auto shape = x.attr("shape").cast<std::pair<Index, Index>>();
    if (shape.first < 1 || shape.second < 1) throw py::value_error("X must not be empty");
    if (!contiguous(data) || !contiguous(indices) || !contiguous(starts)) {
        throw py::type_error("the arrays of a sparse X must be contiguous");
    }
    view.keep = {data, indices, starts};
    const bool by_column = format == "csc";
    const auto make = [&](auto scalar, auto index) {
        view.matrix = compressed<decltype(scalar), decltype(index)>(
            data, indices, starts, shape.first, shape.second, by_column);
    };
    const bool narrow = is<std::int32_t>(indices) && is<std::int32_t>(starts);
    const bool wide = is<std::int64_t>(indices) && is<std::int64_t>(starts);
    if (is<double>(data) && narrow) {
        make(double{}, std::int32_t{});
    } else if (is<double>(data) && wide) {
        make(double{}, std::int64_t{});
    } else if (is<float>(data) && narrow) {
        make(float{}, std::int32_t{});
    } else if (is<float>(data) && wide) {
        make(float{}, std::int64_t{});
    } else {
        throw py::type_error("sparse X must hold float32 or float64 and int32 or int64 indices");
    }
    return view;
}

const double* view_vector(const py::object& array, const char* name, Index length) {
    const auto fail = [&](const std::string& expected) {
        throw py::value_error(std::string(name) + " must be " + expected);
    };
    if (!is<double>(array) || !contiguous(py::reinterpret_borrow<py::array>(array))) {
        fail("a contiguous float64 array");
    }
    const auto vector = py::reinterpret_borrow<py::array>(array);
    if (vector.ndim() != 1 || vector.shape(0) != length) {
        fail("of length " + std::to_string(length));
    }
    return static_cast<const double*>(vector.data());
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
