// The arrays of a matrix that Python passes, for whoever makes a view of them.
#pragma once

#include <algorithm>
#include <cstdint>

#include "common.hpp"

namespace cycloid::bindings {

inline bool contiguous(const py::array& a) { return (a.flags() & py::array::c_style) != 0; }

template <class Scalar>
bool holds(const py::object& array) {
    return py::isinstance<py::array_t<Scalar>>(array);
}

template <class Scalar, class Visitor>
void visit_dense(const py::array& x, const Visitor& visit) {
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
    if (by_column) {
        visit.dense(data, rows, columns, Index{1}, std::max(column_stride, rows));
    } else {
        visit.dense(data, rows, columns, std::max(row_stride, columns), Index{1});
    }
}

template <class Scalar, class StorageIndex, class Visitor>
void visit_compressed(bool by_column, const py::array& data, const py::array& indices,
                      const py::array& starts, Index rows, Index columns, const Visitor& visit) {
    const auto* start = static_cast<const StorageIndex*>(starts.data());
    const Index major = by_column ? columns : rows;
    if (starts.size() != major + 1) {
        throw py::value_error("X.indptr has the wrong length");
    }
    if (start[major] > static_cast<StorageIndex>(data.size()) || data.size() > indices.size()) {
        throw py::value_error("X.indptr points beyond X.data");
    }
    visit.compressed(by_column, static_cast<const Scalar*>(data.data()),
                     static_cast<const StorageIndex*>(indices.data()), start, rows, columns);
}

// visit.dense(data, rows, columns, row stride, column stride) for a numpy array,
// visit.compressed(by column?, values, indices, starts, rows, columns) for a scipy CSC or CSR
// matrix; or an error that says what X must be. Returns the owners of that memory.
template <class Visitor>
std::vector<py::object> visit_matrix(const py::object& x, const Visitor& visit) {
    if (py::isinstance<py::array>(x)) {
        const auto array = py::reinterpret_borrow<py::array>(x);
        if (array.ndim() != 2) throw py::value_error("X must be two-dimensional");
        if (array.shape(0) < 1 || array.shape(1) < 1) throw py::value_error("X must not be empty");
        if (holds<double>(array)) {
            visit_dense<double>(array, visit);
        } else if (holds<float>(array)) {
            visit_dense<float>(array, visit);
        } else {
            throw py::type_error("X must be float32 or float64");
        }
        return {array};
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
    const bool by_column = format == "csc";
    const auto with = [&](auto scalar, auto index) {
        visit_compressed<decltype(scalar), decltype(index)>(by_column, data, indices, starts,
                                                            shape.first, shape.second, visit);
    };
    const bool narrow = holds<std::int32_t>(indices) && holds<std::int32_t>(starts);
    const bool wide = holds<std::int64_t>(indices) && holds<std::int64_t>(starts);
    if (holds<double>(data) && narrow) {
        with(double{}, std::int32_t{});
    } else if (holds<double>(data) && wide) {
        with(double{}, std::int64_t{});
    } else if (holds<float>(data) && narrow) {
        with(float{}, std::int32_t{});
    } else if (holds<float>(data) && wide) {
        with(float{}, std::int64_t{});
    } else {
        throw py::type_error("sparse X must hold float32 or float64 and int32 or int64 indices");
    }
    return {data, indices, starts};
}

}  // namespace cycloid::bindings
