// All cells of the arrangement of the hyperplanes x_k'a = 0, by deletion and restriction: a cell of
// the first k - 1 hyperplanes is cut by the k-th exactly if it contains a cell of what they leave
// on that hyperplane, which is an arrangement of one dimension less. No linear program is solved.
#include <Eigen/QR>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "cycloid/core/random.hpp"
#include "cycloid/relu/patterns.hpp"

namespace cycloid::relu {
namespace {

constexpr double parallel = 1e-10;  // distance of unit vectors that count as one

// Unit vectors (columns) of the lines that the columns of `vectors` span, each once.
Matrix distinct_lines(const Matrix& vectors, double zero) {
    Matrix lines(vectors.rows(), vectors.cols());
    Index count = 0;
    for (Index k = 0; k < vectors.cols(); ++k) {
        const double norm = vectors.col(k).norm();
        if (!(norm > zero)) continue;
        lines.col(count) = vectors.col(k) / norm;
        const auto known = lines.leftCols(count), now = lines.middleCols(count, 1);
        const Eigen::RowVectorXd cosines = now.transpose() * known;
        bool is_new = true;
        for (Index j = 0; j < count && is_new; ++j) {
            if (std::abs(cosines[j]) < 0.999999) continue;
            const double sign = cosines[j] > 0 ? 1 : -1;
            is_new = (now.col(0) - sign * known.col(j)).norm() > parallel;
        }
        count += is_new ? 1 : 0;
    }
    lines.conservativeResize(Eigen::NoChange, count);
    return lines;
}

// An orthonormal basis (columns) of the complement of a unit vector.
Matrix complement(const Vector& unit) {
    const Index r = unit.size();
    return Matrix(Eigen::HouseholderQR<Matrix>(unit).householderQ()).rightCols(r - 1);
}

// Interior points (columns) of all cells of the hyperplanes with these unit normals, which are
// distinct.
Matrix cells(const Matrix& normals, const Context& context) {
    const Index r = normals.rows(), n = normals.cols();
    const Random keys(0xce11);  // a cell's name is the sum of the keys of its positive sides
    const auto key = [&](Index k) { return keys.at(static_cast<std::uint64_t>(k)); };
    Matrix points = Matrix::Zero(r, 1);
    if (r > 0) points(0, 0) = 1;
    std::vector<std::uint64_t> names{0};
    for (Index k = 0; k < n && !context.stop(); ++k) {
        const auto before = normals.leftCols(k);
        const auto normal = normals.col(k);
        const Matrix basis = complement(normal);
        const Matrix traces = distinct_lines(basis.transpose() * before, 0);
        const Matrix on_plane = basis * cells(traces, context);
        const Matrix products = before.transpose() * on_plane;
        std::unordered_map<std::uint64_t, Index> cut;
        for (Index j = 0; j < on_plane.cols(); ++j) {
            std::uint64_t name = 0;
            for (Index l = 0; l < k; ++l) name += products(l, j) >= 0 ? key(l) : 0;
            cut.emplace(name, j);
        }
        const Index count = points.cols();
        points.conservativeResize(Eigen::NoChange, count + on_plane.cols());
        Index end = count;
        for (Index i = 0; i < count; ++i) {
            const auto cell = static_cast<std::size_t>(i);
            const std::uint64_t name = names[cell];
            const auto found = cut.find(name);
            if (found == cut.end()) {
                names[cell] += normal.dot(points.col(i)) >= 0 ? key(k) : 0;
                continue;
            }
            const auto at = on_plane.col(found->second);
            // Half the way to the nearest hyperplane, on either side of the new one.
            const double room =
                k == 0 ? 1 : 0.5 * products.col(found->second).cwiseAbs().minCoeff();
            points.col(i) = (at + room * normal).normalized();
            points.col(end++) = (at - room * normal).normalized();
            names[cell] += key(k);
            names.push_back(name);
        }
        points.conservativeResize(Eigen::NoChange, end);
    }
    return points;
}

// The rows of X in an orthonormal basis of their span, as columns.
struct RowSpace {
    Matrix basis;  // d x rank
    Matrix lines;  // rank x lines
};

RowSpace row_space(const MatrixView& x) {
    const Matrix rows = distinct_lines(x.transpose(), 0);
    RowSpace out;
    if (rows.cols() == 0) return out;
    Eigen::ColPivHouseholderQR<Matrix> qr(rows);
    qr.setThreshold(1e-10);
    out.basis = Matrix(qr.householderQ()).leftCols(qr.rank());
    out.lines = distinct_lines(out.basis.transpose() * rows, 0);
    return out;
}

}  // namespace

double pattern_count(const MatrixView& x) {
    const RowSpace space = row_space(x);
    const auto n = static_cast<double>(space.lines.cols());
    if (n == 0) return 1;
    double term = 1, sum = 0;  // C(n - 1, k)
    for (Index k = 0; k < space.basis.cols(); ++k) {
        sum += term;
        term *= (n - 1 - double(k)) / double(k + 1);
    }
    return 2 * sum;
}

Patterns all_patterns(const MatrixView& x, const Context& context) {
    const RowSpace space = row_space(x);
    if (space.lines.cols() == 0) {  // all rows are zero
        Matrix point = Matrix::Zero(x.cols(), 1);
        point(0, 0) = 1;
        return distinct_patterns(x, point, context).patterns;
    }
    const Matrix points = cells(space.lines, context);
    return distinct_patterns(x, space.basis * points, context).patterns;
}

}  // namespace cycloid::relu
