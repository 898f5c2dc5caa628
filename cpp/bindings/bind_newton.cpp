#include "common.hpp"
#include "cycloid/newton/solve.hpp"

namespace cycloid::bindings {
namespace {

using newton::LinearMap;
using newton::Map;
using newton::Matrix;
using newton::SparseMatrix;
using newton::Vector;

py::array_t<double> copy_out(const Vector& v) {
    return py::array_t<double>(static_cast<py::ssize_t>(v.size()), v.data());
}

[[noreturn]] void refuse_shape(const char* name, Index rows, Index columns) {
    throw py::value_error(std::string(name) + " must return a matrix of shape (" +
                          std::to_string(rows) + ", " + std::to_string(columns) + ")");
}

Vector to_vector(const py::object& value, const char* name, Index length) {
    const auto array =
        py::array_t<double, py::array::c_style | py::array::forcecast>::ensure(value);
    if (!array) throw py::error_already_set();
    if (array.ndim() != 1 || array.shape(0) != length) {
        throw py::value_error(std::string(name) + " must return an array of shape (" +
                              std::to_string(length) + ",)");
    }
    return Eigen::Map<const Vector>(array.data(), length);
}

// Entries in any sequence, doubles added up.
template <class StorageIndex>
SparseMatrix to_sparse(const py::object& csc, Index rows, Index columns) {
    using Array = py::array_t<StorageIndex, py::array::c_style | py::array::forcecast>;
    const py::array_t<double, py::array::c_style | py::array::forcecast> data(csc.attr("data"));
    const Array indices(csc.attr("indices")), starts(csc.attr("indptr"));
    std::vector<Eigen::Triplet<double>> entries;
    entries.reserve(static_cast<std::size_t>(data.size()));
    for (Index j = 0; j < columns; ++j) {
        for (auto q = starts.at(j); q < starts.at(j + 1); ++q) {
            const auto i = indices.at(q);
            if (i < 0 || i >= rows)
                throw py::value_error("a sparse matrix has an index out of range");
            entries.emplace_back(static_cast<int>(i), static_cast<int>(j), data.at(q));
        }
    }
    SparseMatrix out(rows, columns);
    out.setFromTriplets(entries.begin(), entries.end());
    return out;
}

Map to_map(const py::object& value, const char* name, Index rows, Index columns) {
    if (py::hasattr(value, "tocsc")) {
        const py::object csc = value.attr("tocsc")();
        if (csc.attr("shape").cast<std::pair<Index, Index>>() != std::pair(rows, columns)) {
            refuse_shape(name, rows, columns);
        }
        return newton::make_map(to_sparse<std::int64_t>(csc, rows, columns));
    }
    const auto array =
        py::array_t<double, py::array::f_style | py::array::forcecast>::ensure(value);
    if (!array) throw py::error_already_set();
    if (array.ndim() != 2 || array.shape(0) != rows || array.shape(1) != columns) {
        refuse_shape(name, rows, columns);
    }
    return newton::make_map(Matrix(Eigen::Map<const Matrix>(array.data(), rows, columns)));
}

// Products by calls of Python. The handles are borrowed: they may be destroyed without the GIL.
class JacobianProducts final : public LinearMap {
public:
    JacobianProducts(py::handle problem, Vector x, Index rows)
        : problem_(problem), x_(std::move(x)), rows_(rows) {}

    Index rows() const override { return rows_; }
    Index columns() const override { return x_.size(); }
    Vector times(const Vector& v) const override { return call("jacobian_product", v, rows_); }
    Vector transposed_times(const Vector& v) const override {
        return call("jacobian_transpose_product", v, x_.size());
    }

private:
    Vector call(const char* name, const Vector& v, Index length) const {
        const py::gil_scoped_acquire gil;
        return to_vector(problem_.attr(name)(copy_out(x_), copy_out(v)), name, length);
    }

    py::handle problem_;
    Vector x_;
    Index rows_;
};

class HessianProducts final : public LinearMap {
public:
    HessianProducts(py::handle problem, Vector x, Vector y)
        : problem_(problem), x_(std::move(x)), y_(std::move(y)) {}

    Index rows() const override { return x_.size(); }
    Index columns() const override { return x_.size(); }
    Vector times(const Vector& v) const override {
        const py::gil_scoped_acquire gil;
        return to_vector(problem_.attr("hessian_product")(copy_out(x_), copy_out(y_), copy_out(v)),
                         "hessian_product", x_.size());
    }
    Vector transposed_times(const Vector& v) const override { return times(v); }

private:
    py::handle problem_;
    Vector x_, y_;
};

// What Python raises passes through the core unchanged.
class PythonProblem final : public newton::Problem {
public:
    explicit PythonProblem(py::handle problem)
        : problem_(problem),
          n_(problem.attr("n").cast<Index>()),
          m_(problem.attr("m").cast<Index>()) {}

    Index n() const override { return n_; }
    Index m() const override { return m_; }

    double objective(const Vector& x) override {
        const py::gil_scoped_acquire gil;
        return problem_.attr("objective")(copy_out(x)).cast<double>();
    }
    Vector constraints(const Vector& x) override {
        if (m_ == 0) return Vector(0);
        const py::gil_scoped_acquire gil;
        return to_vector(problem_.attr("constraints")(copy_out(x)), "constraints", m_);
    }
    Vector gradient(const Vector& x) override {
        const py::gil_scoped_acquire gil;
        return to_vector(problem_.attr("gradient")(copy_out(x)), "gradient", n_);
    }
    Map jacobian(const Vector& x) override {
        if (m_ == 0) return newton::make_map(SparseMatrix(0, n_));
        const py::gil_scoped_acquire gil;
        const py::object value = problem_.attr("jacobian")(copy_out(x));
        if (!value.is_none()) return to_map(value, "jacobian", m_, n_);
        return std::make_shared<JacobianProducts>(problem_, x, m_);
    }
    Map hessian(const Vector& x, const Vector& y) override {
        const py::gil_scoped_acquire gil;
        const py::object value = problem_.attr("hessian")(copy_out(x), copy_out(y));
        if (!value.is_none()) return to_map(value, "hessian", n_, n_);
        return std::make_shared<HessianProducts>(problem_, x, y);
    }

private:
    py::handle problem_;
    Index n_, m_;
};

py::dict solution_dict(const newton::Solution& found) {
    py::dict out;
    out["x"] = copy_out(found.x);
    out["y"] = copy_out(found.y);
    out["objective"] = found.objective;
    out["violation"] = found.violation;
    out["constraint_violation"] = found.constraint_violation;
    out["status"] = found.status;
    out["n_iter"] = found.n_iter;
    out["n_inner"] = found.n_inner;
    out["n_evaluations"] = found.n_evaluations;
    out["trace"] = trace_columns(found.trace);
    return out;
}

py::dict newton_minimize(const py::object& problem, const py::object& x0, const py::object& y0,
                         const std::string& inner, const std::string& accuracy, double tol,
                         Index max_iter, Index max_inner, double eta1, double eta2, double delta,
                         std::uint64_t seed, int n_threads, double time_limit,
                         const py::object& observer) {
    PythonProblem wrapped(problem);
    const Index n = wrapped.n();
    const Eigen::Map<const Vector> start(view_vector(x0, "x0", n), n);
    newton::Options options;
    options.inner = pick<newton::Inner>(inner,
                                        {{"auto", newton::Inner::Auto},
                                         {"ldlt", newton::Inner::Ldlt},
                                         {"minres", newton::Inner::Minres},
                                         {"gaussian", newton::Inner::Gaussian},
                                         {"kaczmarz", newton::Inner::Kaczmarz},
                                         {"block-gaussian", newton::Inner::BlockGaussian},
                                         {"block-sparse-sign", newton::Inner::BlockSparseSign},
                                         {"block-count-sketch", newton::Inner::BlockCountSketch},
                                         {"block-srht", newton::Inner::BlockSrht}},
                                        "inner");
    options.accuracy = pick<newton::Accuracy>(
        accuracy,
        {{"forcing", newton::Accuracy::Forcing}, {"adaptive", newton::Accuracy::Adaptive}},
        "accuracy");
    options.inner_options = {max_inner, seed};
    options.tol = tol;
    options.max_iter = max_iter;
    options.penalties = {eta1, eta2};
    options.delta = delta;
    options.y = y0.is_none() ? nullptr : view_vector(y0, "y0", wrapped.m());
    options.n_threads = usable_threads(n_threads);
    PythonObserver watch(observer);
    Monitor monitor(&watch, time_limit);
    newton::Solution found;
    {
        const py::gil_scoped_release release;
        found = newton::solve(wrapped, start, options, monitor);
    }
    watch.raise_pending();
    return solution_dict(found);
}

}  // namespace

void bind_newton(py::module_& m) {
    using namespace py::literals;
    m.def("newton_minimize", &newton_minimize, "problem"_a, "x0"_a, "y0"_a, py::kw_only(),
          "inner"_a, "accuracy"_a, "tol"_a, "max_iter"_a, "max_inner"_a, "eta1"_a, "eta2"_a,
          "delta"_a, "seed"_a, "n_threads"_a, "time_limit"_a, "observer"_a,
          "Newton's method for problems with equality constraints; see _core.pyi.");
}

}  // namespace cycloid::bindings
