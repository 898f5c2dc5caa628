#include "cycloid/newton/sketch.hpp"
#include "matrix.hpp"
#include "rows.hpp"

namespace cycloid::bindings {
namespace {

using newton::SketchKind;

struct MakeRows {
    std::unique_ptr<newton::Rows>& rows_;

    template <class Scalar>
    void dense(const Scalar* data, Index rows, Index columns, Index row_stride,
               Index column_stride) const {
        rows_ = newton::make_dense_rows(data, rows, columns, row_stride, column_stride);
    }
    template <class Scalar, class StorageIndex>
    void compressed(bool by_column, const Scalar* values, const StorageIndex* indices,
                    const StorageIndex* starts, Index rows, Index columns) const {
        rows_ = by_column ? newton::make_csc_rows(values, indices, starts, rows, columns)
                          : newton::make_csr_rows(values, indices, starts, rows, columns);
    }
};

template <class Real>
py::array_t<Real> sketched(const newton::Sketch& sketch, const newton::Rows& rows, int n_threads) {
    PythonObserver watcher{py::none()};
    newton::RowMatrix<Real> product;
    {
        const py::gil_scoped_release release;
        Monitor monitor(&watcher);
        product = newton::apply<Real>(sketch, rows, nullptr, {usable_threads(n_threads), &monitor});
    }
    watcher.raise_pending();
    py::array_t<Real> out({product.rows(), product.cols()});
    std::copy_n(product.data(), product.size(), out.mutable_data());
    return out;
}

py::array apply_sketch(const py::object& A, const std::string& kind, Index rows, Index per_column,
                       std::uint64_t seed, bool single, int n_threads) {
    const RowsView view = view_rows(A);
    newton::Sketch sketch;
    sketch.kind = pick<SketchKind>(kind,
                                   {{"gaussian", SketchKind::Gaussian},
                                    {"sparse_sign", SketchKind::SparseSign},
                                    {"srht", SketchKind::Srht}},
                                   "kind");
    if (rows < 1 || per_column < 1) throw py::value_error("a sketch needs rows and entries");
    sketch.rows = rows;
    sketch.columns = view.rows->rows();
    sketch.seed = seed;
    sketch.per_column = per_column;
    if (single) return sketched<float>(sketch, *view.rows, n_threads);
    return sketched<double>(sketch, *view.rows, n_threads);
}

}  // namespace

RowsView view_rows(const py::object& x) {
    RowsView view;
    view.keep = visit_matrix(x, MakeRows{view.rows});
    return view;
}

void bind_sketch(py::module_& m) {
    using namespace py::literals;
    m.def("apply_sketch", &apply_sketch, "A"_a, py::kw_only(), "kind"_a, "rows"_a, "per_column"_a,
          "seed"_a, "single"_a, "n_threads"_a, "A random matrix times A; see _core.pyi.");
}

}  // namespace cycloid::bindings
