// What all calls of the transport engine share.
#pragma once

#include <memory>

#include "common.hpp"
#include "cycloid/ot/solve.hpp"

namespace cycloid::bindings {

// A matrix of costs stored by rows, viewed.
std::unique_ptr<ot::Cost> view_cost(const py::array& m);

ot::Options transport_options(const std::string& method, double tol, Index max_iter,
                              Index n_sinkhorn, Index n_newton, double density, int n_threads);

// Checks the vectors, solves without the GIL, raises what was raised meanwhile.
py::dict call_transport(const ot::Cost& cost, const py::object& a, const py::object& b, double reg,
                        ot::Options options, const py::object& g, double time_limit,
                        const py::object& observer);

}  // namespace cycloid::bindings
