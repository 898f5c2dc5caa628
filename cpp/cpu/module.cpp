// cycloid._cpu: asks the CPU which levels it supports. Compiled for the oldest CPU, without
// Eigen, pybind11 or the standard library, so that it can run before a level is chosen.
#include <Python.h>

#include "levels.hpp"

namespace {

PyObject* supported_levels(PyObject* /*module*/, PyObject* /*unused*/) {
    // "generic" is built for the compiler's default CPU, which runs everywhere.
#if defined(__x86_64__)
    if (cycloid::supports_v4()) return Py_BuildValue("(ssss)", "v4", "v3", "v2", "generic");
    if (cycloid::supports_v3()) return Py_BuildValue("(sss)", "v3", "v2", "generic");
    if (cycloid::supports_v2()) return Py_BuildValue("(ss)", "v2", "generic");
#endif
    return Py_BuildValue("(s)", "generic");
}

PyMethodDef methods[] = {
    {"supported_levels", supported_levels, METH_NOARGS,
     "Levels that this CPU and operating system support, the best first."},
    {nullptr, nullptr, 0, nullptr},
};

PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_cpu", nullptr, 0, methods, nullptr, nullptr, nullptr, nullptr,
};

}  // namespace

PyMODINIT_FUNC PyInit__cpu() { return PyModuleDef_Init(&definition); }
