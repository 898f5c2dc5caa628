#include "cycloid/core/cholesky.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "cycloid/core/parallel.hpp"

namespace cycloid {
namespace {

constexpr Index tile = 192;

// Factors a small diagonal block, raising pivots that rounding has eaten.
template <class Matrix, class Real = Matrix::Scalar>
Index factor_diagonal(Matrix& block, const Real* pivot_floor) {
    Index raised = 0;
    const Index n = block.rows();
    for (Index j = 0; j < n; ++j) {
        Real pivot = block(j, j);
        if (!(pivot > pivot_floor[j])) {
            pivot = pivot_floor[j] > 0 ? pivot_floor[j] : Real{1};
            ++raised;
        }
        const Real root = std::sqrt(pivot);
        block(j, j) = root;
        const Index below = n - j - 1;
        if (below == 0) continue;
        block.col(j).tail(below) /= root;
        const Real* source = block.col(j).data();
        for (Index k = j + 1; k < n; ++k) {
            Real* column = block.col(k).data();
            const Real factor = source[k];
#pragma omp simd
            for (Index i = k; i < n; ++i) column[i] -= factor * source[i];
        }
    }
    return raised;
}

template <class Real>
Index factorize(Eigen::Ref<Eigen::Matrix<Real, -1, -1>> a, Real floor, const Context& context) {
    const Index n = a.rows();
    Index raised = 0;
    std::vector<Real> pivot_floor(static_cast<std::size_t>(n));
    for (Index j = 0; j < n; ++j) pivot_floor[static_cast<std::size_t>(j)] = floor * a(j, j);
    const Index panel = n < 600 ? 32 : 96;  // the diagonal block is the slow part of a small one
    for (Index k = 0; k < n; k += panel) {
        if (context.stop()) return -1;
        const Index width = std::min(panel, n - k), rest = n - k - width;
        auto diagonal = a.block(k, k, width, width);
        raised += factor_diagonal(diagonal, pivot_floor.data() + k);
        if (rest == 0) break;
        auto below = a.block(k + width, k, rest, width);
        parallel_blocks(context.team(double(rest) * double(width * width)), rest, tile,
                        [&](Index begin, Index end) {
                            auto rows = below.middleRows(begin, end - begin);
                            diagonal.template triangularView<Eigen::Lower>()
                                .transpose()
                                .template solveInPlace<Eigen::OnTheRight>(rows);
                        });
        // Trailing update by tiles of the lower triangle, the largest first.
        const Index tiles = (rest + tile - 1) / tile;
        parallel_for(
            context.team(double(rest) * double(rest) * double(width)), tiles * (tiles + 1) / 2,
            [&](Index t) {
                Index column = 0;
                while (t >= tiles - column) t -= tiles - column++;
                const Index i = (column + t) * tile, j = column * tile;
                const Index height = std::min(tile, rest - i), breadth = std::min(tile, rest - j);
                auto target = a.block(k + width + i, k + width + j, height, breadth);
                auto left = below.middleRows(i, height);
                auto right = below.middleRows(j, breadth);
                if (i == j) {
                    target.template selfadjointView<Eigen::Lower>().rankUpdate(left, Real{-1});
                } else {
                    target.noalias() -= left * right.transpose();
                }
            });
    }
    return raised;
}

template <class Factor, class Vector>
void solve_twice(const Factor& factor, Vector& x) {
    factor.template triangularView<Eigen::Lower>().solveInPlace(x);
    factor.template triangularView<Eigen::Lower>().transpose().solveInPlace(x);
}

}  // namespace

Index cholesky(Eigen::Ref<Eigen::MatrixXd> a, double floor, const Context& context) {
    return factorize<double>(a, floor, context);
}
Index cholesky(Eigen::Ref<Eigen::MatrixXf> a, float floor, const Context& context) {
    return factorize<float>(a, floor, context);
}
void cholesky_solve(const Eigen::Ref<const Eigen::MatrixXd>& factor,
                    Eigen::Ref<Eigen::VectorXd> x) {
    solve_twice(factor, x);
}
void cholesky_solve(const Eigen::Ref<const Eigen::MatrixXf>& factor,
                    Eigen::Ref<Eigen::VectorXf> x) {
    solve_twice(factor, x);
}

}  // namespace cycloid
