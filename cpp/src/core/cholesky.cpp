#include "cycloid/core/cholesky.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "cycloid/core/parallel.hpp"

namespace cycloid {
namespace {

constexpr Index tile = 192;

// Factors a small diagonal block, raising pivots that rounding has eaten.
Index factor_diagonal(Eigen::Ref<Eigen::MatrixXd> block, const double* pivot_floor) {
    Index raised = 0;
    const Index n = block.rows();
    for (Index j = 0; j < n; ++j) {
        double pivot = block(j, j);
        if (!(pivot > pivot_floor[j])) {
            pivot = pivot_floor[j] > 0 ? pivot_floor[j] : 1.0;
            ++raised;
        }
        const double root = std::sqrt(pivot);
        block(j, j) = root;
        const Index below = n - j - 1;
        if (below == 0) continue;
        block.col(j).tail(below) /= root;
        const double* source = block.col(j).data();
        for (Index k = j + 1; k < n; ++k) {
            double* column = block.col(k).data();
            const double factor = source[k];
#pragma omp simd
            for (Index i = k; i < n; ++i) column[i] -= factor * source[i];
        }
    }
    return raised;
}

}  // namespace

Eigen::Index cholesky(Eigen::Ref<Eigen::MatrixXd> a, double floor, const Context& context) {
    const Index n = a.rows();
    Index raised = 0;
    std::vector<double> pivot_floor(static_cast<std::size_t>(n));
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
        parallel_for(context.team(double(rest) * double(rest) * double(width)),
                     tiles * (tiles + 1) / 2, [&](Index t) {
                         Index column = 0;
                         while (t >= tiles - column) t -= tiles - column++;
                         const Index i = (column + t) * tile, j = column * tile;
                         const Index height = std::min(tile, rest - i),
                                     breadth = std::min(tile, rest - j);
                         auto target = a.block(k + width + i, k + width + j, height, breadth);
                         auto left = below.middleRows(i, height);
                         auto right = below.middleRows(j, breadth);
                         if (i == j) {
                             target.template selfadjointView<Eigen::Lower>().rankUpdate(left, -1.0);
                         } else {
                             target.noalias() -= left * right.transpose();
                         }
                     });
    }
    return raised;
}

void cholesky_solve(const Eigen::Ref<const Eigen::MatrixXd>& factor,
                    Eigen::Ref<Eigen::VectorXd> x) {
    factor.triangularView<Eigen::Lower>().solveInPlace(x);
    factor.triangularView<Eigen::Lower>().transpose().solveInPlace(x);
}

}  // namespace cycloid
