// Matrices by rows, for the bindings of the newton engine.
#pragma once

#include "common.hpp"
#include "cycloid/newton/rows.hpp"

namespace cycloid::bindings {

struct RowsView {
    std::vector<py::object> keep;  // owners of the memory
    std::unique_ptr<newton::Rows> rows;
};
RowsView view_rows(const py::object& x);

}  // namespace cycloid::bindings
