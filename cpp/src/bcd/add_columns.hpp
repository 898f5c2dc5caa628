// out += G(:, ks) coef, by fixed blocks of rows and four columns at a time.
#pragma once

#include <Eigen/Core>
#include <span>

#include "cycloid/core/parallel.hpp"
#include "cycloid/core/trace.hpp"

namespace cycloid::bcd {

template <class Matrix>
void add_columns(const Matrix& gram, std::span<const Index> ks, const double* coef, double* out,
                 const Context& context) {
    const Index m = gram.rows();
    const auto count = static_cast<Index>(ks.size());
    parallel_blocks(context.team(double(m) * double(count)), m, 1024, [&](Index begin, Index end) {
        Index k = 0;
        for (; k + 4 <= count; k += 4) {
            const auto *g0 = gram.col(ks[k]).data(), *g1 = gram.col(ks[k + 1]).data(),
                       *g2 = gram.col(ks[k + 2]).data(), *g3 = gram.col(ks[k + 3]).data();
            const double c0 = coef[k], c1 = coef[k + 1], c2 = coef[k + 2], c3 = coef[k + 3];
#pragma omp simd
            for (Index i = begin; i < end; ++i) {
                out[i] += (c0 * double(g0[i]) + c1 * double(g1[i])) +
                          (c2 * double(g2[i]) + c3 * double(g3[i]));
            }
        }
        for (; k < count; ++k) {
            const auto* g0 = gram.col(ks[k]).data();
            const double c0 = coef[k];
#pragma omp simd
            for (Index i = begin; i < end; ++i) out[i] += c0 * double(g0[i]);
        }
    });
}

}  // namespace cycloid::bcd
