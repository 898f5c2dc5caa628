#include "cycloid/newton/linear_solver.hpp"

#include <stdexcept>
#include <vector>

namespace cycloid::newton {
namespace {

bool has_entries(const LinearMap& map) { return map.dense() != nullptr || map.sparse() != nullptr; }

// By products with unit vectors where there are no entries.
Matrix entries(const LinearMap& map) {
    if (map.dense() != nullptr) return *map.dense();
    if (map.sparse() != nullptr) return *map.sparse();
    Matrix out(map.rows(), map.columns());
    if (map.rows() < map.columns()) {
        for (Index i = 0; i < map.rows(); ++i) {
            out.row(i) = map.transposed_times(Vector::Unit(map.rows(), i)).transpose();
        }
    } else {
        for (Index j = 0; j < map.columns(); ++j) {
            out.col(j) = map.times(Vector::Unit(map.columns(), j));
        }
    }
    return out;
}

// put(i, j, value) for every entry
template <class Put>
void each_entry(const LinearMap& map, const Put& put) {
    if (map.sparse() != nullptr) {
        const SparseMatrix& matrix = *map.sparse();
        for (Index j = 0; j < matrix.outerSize(); ++j) {
            for (SparseMatrix::InnerIterator it(matrix, j); it; ++it) put(it.row(), j, it.value());
        }
        return;
    }
    if (map.dense() == nullptr) throw std::logic_error("a map without entries cannot be read");
    const Matrix& matrix = *map.dense();
    for (Index j = 0; j < matrix.cols(); ++j) {
        for (Index i = 0; i < matrix.rows(); ++i) put(i, j, matrix(i, j));
    }
}

}  // namespace

Vector System::times(const Vector& z) const {
    const Vector x = z.head(n()), y = z.tail(m());
    Vector out(z.size());
    out.head(n()) = hessian->times(x) + shift * x;
    if (m() == 0) return out;
    out.head(n()) += jacobian->transposed_times(y);
    out.tail(m()) = jacobian->times(x) - relaxation * y;
    return out;
}

bool System::has_entries() const {
    return newton::has_entries(*hessian) && newton::has_entries(*jacobian);
}

Matrix dense_matrix(const System& system) {
    const Index n = system.n(), m = system.m();
    Matrix out(n + m, n + m);
    out.topLeftCorner(n, n) = entries(*system.hessian);
    out.bottomLeftCorner(m, n) = entries(*system.jacobian);
    out.topRightCorner(n, m) = out.bottomLeftCorner(m, n).transpose();
    out.bottomRightCorner(m, m).setZero();
    out.diagonal().head(n).array() += system.shift;
    out.diagonal().tail(m).array() -= system.relaxation;
    return out;
}

SparseMatrix sparse_lower(const System& system) {
    const Index n = system.n(), m = system.m();
    using Entry = Eigen::Triplet<double>;
    std::vector<Entry> list;
    const auto put = [&](Index i, Index j, double value) {
        list.emplace_back(static_cast<int>(i), static_cast<int>(j), value);
    };
    each_entry(*system.hessian, [&](Index i, Index j, double value) {
        if (i >= j) put(i, j, value);
    });
    for (Index i = 0; i < n; ++i) put(i, i, system.shift);
    each_entry(*system.jacobian, [&](Index i, Index j, double value) { put(n + i, j, value); });
    for (Index i = 0; i < m; ++i) put(n + i, n + i, -system.relaxation);
    SparseMatrix out(n + m, n + m);
    out.setFromTriplets(list.begin(), list.end());
    return out;
}

}  // namespace cycloid::newton
