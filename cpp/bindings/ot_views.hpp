// Shared by the bindings of the engine ot.
#pragma once

#include <memory>

#include "common.hpp"
#include "cycloid/ot/solve.hpp"

namespace cycloid::bindings {

// A matrix of costs stored by rows, viewed.
std::unique_ptr<ot::Cost> view_cost(const py::array& m);
ot::Method view_method(const std::string& word);

void bind_ot_several(py::module_& m);

}  // namespace cycloid::bindings
