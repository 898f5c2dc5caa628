#include <pybind11/native_enum.h>

#include <Eigen/Core>

#include "common.hpp"
#include "cycloid/core/parallel.hpp"

namespace py = pybind11;

namespace {

#ifdef __clang__
const char* const compiler = "clang " __clang_version__;
#else
const char* const compiler = "g++ " __VERSION__;
#endif

}  // namespace

PYBIND11_MODULE(CYCLOID_MODULE_NAME, m) {
    using cycloid::Status;
    m.attr("level") = CYCLOID_LEVEL;
    py::dict info;
    info["compiler"] = compiler;
    info["eigen"] = std::to_string(EIGEN_WORLD_VERSION) + "." +
                    std::to_string(EIGEN_MAJOR_VERSION) + "." + std::to_string(EIGEN_MINOR_VERSION);
    info["openmp"] = std::to_string(_OPENMP);
#ifdef CYCLOID_DEBUG
    info["build"] = "debug";
#else
    info["build"] = "release";
#endif
    m.attr("build_info") = info;
    m.def("max_threads", &cycloid::default_threads);
    py::native_enum<Status>(m, "Status", "enum.IntEnum")
        .value("CONVERGED", Status::Converged)
        .value("MAX_ITER", Status::MaxIter)
        .value("TIME_LIMIT", Status::TimeLimit)
        .value("STOPPED", Status::Stopped)
        .value("STALLED", Status::Stalled)
        .value("NUMERICAL_ERROR", Status::NumericalError)
        .value("INFEASIBLE", Status::Infeasible)
        .value("UNBOUNDED", Status::Unbounded)
        .finalize();
    cycloid::bindings::bind_bcd(m);
    cycloid::bindings::bind_bcd_graph(m);
    cycloid::bindings::bind_groups(m);
    cycloid::bindings::bind_ot(m);
    cycloid::bindings::bind_ot_several(m);
    cycloid::bindings::bind_points(m);
    cycloid::bindings::bind_relu_train(m);
    cycloid::bindings::bind_relu(m);
    cycloid::bindings::bind_relu_robust(m);
    cycloid::bindings::bind_newton(m);
    cycloid::bindings::bind_sketch(m);
    cycloid::bindings::bind_finite_sum(m);
    cycloid::bindings::bind_bcd_blocks(m);
}
