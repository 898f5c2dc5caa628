// The weighted Gram matrix of few columns and many rows.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <cstring>
#include <vector>

#include "cycloid/core/operator.hpp"
#include "cycloid/core/parallel.hpp"
#include "cycloid/core/trace.hpp"

namespace cycloid {

// Some rows of a tall matrix, columns side by side, and the inner products of its columns. A
// product with itself needs no more packing than this; Eigen packs either side again, which on
// 200 columns costs a quarter of the time.
template <class Real>
class Panel {
public:
    // Of each column half a page: two tiles' right sides and one left side fit into the first
    // cache.
    static constexpr Index height = 2048 / sizeof(Real);

    explicit Panel(Index columns) : columns_(columns) {
        values_.setZero(stride, (columns / left + 1) * left + right);
    }
    // pack(begin, end, out, stride) writes rows [begin, end) of all columns, column k from
    // out + k stride.
    template <class Pack>
    void fill(const Pack& pack, Index begin, Index end) {
        pack(begin, end, values_.data(), stride);
        rows_ = (end - begin + lanes - 1) / lanes * lanes;
        const Index filled = end - begin;
        if (rows_ > filled) values_.block(filled, 0, rows_ - filled, columns_).setZero();
    }
    // Lower triangle of sum += A'A, tile by tile. Two right sides stay in the first cache, while
    // left sides come from the second one: each serves two tiles.
    void add_products(Matrix<Real>& sum) const {
        for (Index first = 0; first < columns_; first += 2 * right) {
            const Index last = std::min(first + 2 * right, columns_);
            for (Index i = first / left * left; i < columns_; i += left) {
                for (Index j = first; j < last && j < i + left; j += right) add_tile(i, j, sum);
            }
        }
    }

private:
#if defined(__AVX512F__)
    static constexpr Index width = 64, left = 4, right = 6;  // bytes; 24 sums in 32 registers
#elif defined(__AVX__)
    static constexpr Index width = 32, left = 4, right = 3;
#else
    static constexpr Index width = 16, left = 4, right = 3;
#endif
    static constexpr Index lanes = width / sizeof(Real);
    static constexpr Index stride = height + lanes;  // no two columns in the same cache sets

    using Vector [[gnu::vector_size(width)]] = Real;

    const Real* column(Index j) const { return values_.data() + j * stride; }

    void add_tile(Index i, Index j, Matrix<Real>& sum) const {
        Vector total[left][right] = {};
        for (Index k = 0; k < rows_; k += lanes) {
            Vector a[left], b;
            for (Index p = 0; p < left; ++p) std::memcpy(&a[p], column(i + p) + k, sizeof b);
            for (Index q = 0; q < right; ++q) {
                std::memcpy(&b, column(j + q) + k, sizeof b);
                for (Index p = 0; p < left; ++p) total[p][q] += a[p] * b;
            }
        }
        for (Index q = 0; q < std::min(right, columns_ - j); ++q) {
            for (Index p = 0; p < std::min(left, columns_ - i); ++p) {
                if (i + p < j + q) continue;
                Real product = 0;
                for (Index lane = 0; lane < lanes; ++lane) product += total[p][q][lane];
                sum(i + p, j + q) += product;
            }
        }
    }

    Index columns_, rows_ = 0;
    Matrix<Real> values_;
};

// gram (lower triangle) += sum over rows of packed_i packed_i'. The matrix is too small to share,
// so slabs of rows have one each, added up in order: the sums do not depend on the number of
// threads. pack as in Panel::fill.
template <class Real, class Pack>
void narrow_gram(Index rows, Index m, const Pack& pack, Eigen::Ref<Matrix<Real>> gram,
                 const Context& context) {
    constexpr Index height = Panel<Real>::height, n_slabs = 8;
    const Index share = (rows + n_slabs - 1) / n_slabs;
    const int team = context.team(double(rows) * double(m * m));
    // Each worker goes on with one slab, whose sums and panel so stay in its cache.
    const Index workers = std::clamp<Index>(team, 1, n_slabs);
    std::vector<Matrix<Real>> sums(workers);
    std::vector<Panel<Real>> panels(workers, Panel<Real>(m));
    for (Index first = 0; first < n_slabs; first += workers) {
        const Index some = std::min(workers, n_slabs - first);
        for (Matrix<Real>& sum : sums) sum.setZero(m, m);
        for (Index done = 0; done < share && !context.stop(); done += height) {
            parallel_for(team, some, [&](Index worker) {
                const Index slab = first + worker, begin = slab * share + done;
                const Index end = std::min({begin + height, (slab + 1) * share, rows});
                if (begin >= end) return;
                panels[worker].fill(pack, begin, end);
                panels[worker].add_products(sums[worker]);
            });
        }
        for (Index worker = 0; worker < some; ++worker) gram += sums[worker];
    }
}

}  // namespace cycloid
