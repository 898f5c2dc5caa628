#include "cycloid/bcd/sparse_symmetric.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace cycloid::bcd {

void SparseSymmetric::multiply(const double* x, Index width, double* out) const {
    for (Index i = 0; i < size(); ++i) {
        double* const to = out + width * i;
        const double* const own = x + width * i;
        for (Index c = 0; c < width; ++c) to[c] = diagonal[at(i)] * own[c];
        for (Index q = starts[at(i)]; q < starts[at(i) + 1]; ++q) {
            const double* const from = x + width * columns[at(q)];
            for (Index c = 0; c < width; ++c) to[c] += values[at(q)] * from[c];
        }
    }
}

namespace {

constexpr double rounding = 1e-10;  // relative difference of two numbers meant to be equal

// Makes mirrored values equal; false if the pattern or a pair of values is not symmetric.
bool symmetrize(SparseSymmetric& matrix) {
    // Rows in ascending order meet the entries of each column in ascending order, too.
    std::vector<Index> next(matrix.starts.begin(), matrix.starts.end() - 1);
    for (Index i = 0; i < matrix.size(); ++i) {
        const auto begin = static_cast<std::size_t>(matrix.starts[static_cast<std::size_t>(i)]);
        const auto end = static_cast<std::size_t>(matrix.starts[static_cast<std::size_t>(i) + 1]);
        for (auto here = begin; here < end; ++here) {
            const auto j = static_cast<std::size_t>(matrix.columns[here]);
            const auto mirror = static_cast<std::size_t>(next[j]++);
            if (next[j] > matrix.starts[j + 1] || matrix.columns[mirror] != i) return false;
            double &a = matrix.values[here], &b = matrix.values[mirror];
            if (a == b) continue;
            if (!(std::abs(a - b) <= rounding * std::max(std::abs(a), std::abs(b)))) return false;
            a = b = 0.5 * (a + b);
        }
    }
    return true;
}

}  // namespace

template <class Scalar, class StorageIndex>
SparseSymmetric make_symmetric(const Scalar* values, const StorageIndex* indices,
                               const StorageIndex* starts, Index n) {
    check_compressed(indices, starts, n, n, n);
    SparseSymmetric matrix;
    matrix.diagonal.assign(static_cast<std::size_t>(n), 0.0);
    matrix.starts.reserve(static_cast<std::size_t>(n) + 1);
    matrix.starts.push_back(0);
    matrix.columns.reserve(static_cast<std::size_t>(starts[n]));
    matrix.values.reserve(static_cast<std::size_t>(starts[n]));
    for (Index i = 0; i < n; ++i) {
        for (auto q = starts[i]; q < starts[i + 1]; ++q) {
            if (indices[q] == static_cast<StorageIndex>(i)) {
                matrix.diagonal[static_cast<std::size_t>(i)] = static_cast<double>(values[q]);
            } else if (values[q] != 0) {
                matrix.columns.push_back(static_cast<Node>(indices[q]));
                matrix.values.push_back(static_cast<double>(values[q]));
            }
        }
        matrix.starts.push_back(std::ssize(matrix.columns));
    }
    if (!symmetrize(matrix)) throw std::invalid_argument("A must be symmetric");
    return matrix;
}

template SparseSymmetric make_symmetric(const double*, const std::int32_t*, const std::int32_t*,
                                        Index);
template SparseSymmetric make_symmetric(const double*, const std::int64_t*, const std::int64_t*,
                                        Index);
template SparseSymmetric make_symmetric(const float*, const std::int32_t*, const std::int32_t*,
                                        Index);
template SparseSymmetric make_symmetric(const float*, const std::int64_t*, const std::int64_t*,
                                        Index);

}  // namespace cycloid::bcd
