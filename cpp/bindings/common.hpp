// Shared by all bindings: views of arrays, the observer that calls Python, traces as dictionaries.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cycloid/core/operator.hpp"
#include "cycloid/core/trace.hpp"

namespace cycloid::bindings {

namespace py = pybind11;

// A C-contiguous float64 vector, viewed; never converted in silence.
using Vector = py::array_t<double, py::array::c_style>;

// A numpy array or a scipy CSC / CSR matrix as an operator over the same memory.
struct MatrixView {
    std::vector<py::object> keep;  // owners of the memory
    std::unique_ptr<Operator> matrix;
};
MatrixView view_matrix(const py::object& x);

// `length` values, or a ValueError that names the argument.
const double* view_vector(const py::object& array, const char* name, Index length);

// Non-negative sample weights scaled to sum one; None: all the same.
std::vector<double> normalised(const py::object& weights, Index n);

py::dict trace_columns(const Trace& trace);

// The choice that a word names, or a ValueError that lists them.
template <class Enum>
Enum pick(const std::string& word, std::initializer_list<std::pair<const char*, Enum>> choices,
          const char* name) {
    std::string known;
    for (const auto& [key, value] : choices) {
        if (word == key) return value;
        known += (known.empty() ? "'" : ", '") + std::string(key) + "'";
    }
    throw py::value_error(std::string(name) + " must be one of " + known + "; got '" + word + "'");
}

template <class Range>
py::array_t<typename Range::value_type> to_array(const Range& values) {
    return py::array_t<typename Range::value_type>(static_cast<py::ssize_t>(values.size()),
                                                   values.data());
}

// Calls a Python function with each row and watches for Ctrl-C. The core runs without the GIL and
// never sees a Python exception: it is kept here and raised once the core has returned.
class PythonObserver final : public Observer {
public:
    explicit PythonObserver(py::handle callback) : callback_(callback) {}

    bool wants_stop(const Trace& trace) override;
    bool interrupted() override;
    void raise_pending();

private:
    py::handle callback_;  // borrowed: may be destroyed without the GIL
    std::unique_ptr<py::error_already_set> pending_;
};

void bind_bcd(py::module_& m);
void bind_bcd_graph(py::module_& m);
void bind_groups(py::module_& m);
void bind_ot(py::module_& m);
void bind_ot_several(py::module_& m);
void bind_points(py::module_& m);
void bind_relu_train(py::module_& m);
void bind_relu(py::module_& m);
void bind_relu_robust(py::module_& m);
void bind_newton(py::module_& m);
void bind_sketch(py::module_& m);
void bind_finite_sum(py::module_& m);
void bind_bcd_blocks(py::module_& m);

}  // namespace cycloid::bindings
