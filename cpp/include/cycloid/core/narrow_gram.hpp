// The weighted Gram matrix of few columns and many rows.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <deque>
#include <vector>

#include "cycloid/core/operator.hpp"
#include "cycloid/core/parallel.hpp"
#include "cycloid/core/trace.hpp"

namespace cycloid {

// sum += A'A (lower triangle) for one tall A after another. Eigen's rankUpdate does the same but
// allocates its packing buffers anew each time; where the allocator gives them back to the system
// in between, clearing their pages takes as long as the product.
template <class Real>
class SymmetricProduct {
public:
    SymmetricProduct(Index columns, Index most_rows) : buffers_(columns, columns, most_rows, 1, 0) {
        buffers_.allocateAll();
    }
    void add(const Real* a, Index stride, Index rows, Matrix<Real>& sum) {
        Eigen::internal::general_matrix_matrix_triangular_product<
            Index, Real, Eigen::RowMajor, false, Real, Eigen::ColMajor, false, Eigen::ColMajor, 1,
            Eigen::Lower>::run(sum.rows(), rows, a, stride, a, stride, sum.data(), 1,
                               sum.outerStride(), Real{1}, buffers_);
    }

private:
    Eigen::internal::gemm_blocking_space<Eigen::ColMajor, Real, Real, Eigen::Dynamic,
                                         Eigen::Dynamic, Eigen::Dynamic>
        buffers_;
};

// gram (lower triangle) += sum over rows of packed_i packed_i'. The matrix is too small to share,
// so slabs of rows have one each, added up in order: the sums do not depend on the number of
// threads. pack(begin, end, out, stride) writes rows [begin, end) of all m columns, column k from
// out + k stride.
template <class Real, class Pack>
void narrow_gram(Index rows, Index m, const Pack& pack, Eigen::Ref<Matrix<Real>> gram,
                 const Context& context) {
    constexpr Index height = 512, n_slabs = 8;
    const Index share = (rows + n_slabs - 1) / n_slabs;
    const int team = context.team(double(rows) * double(m * m));
    // Each worker goes on with one slab, whose sums and panel so stay in its cache.
    const Index workers = std::clamp<Index>(team, 1, n_slabs);
    std::vector<Matrix<Real>> sums(workers), panels(workers, Matrix<Real>(height + 8, m));
    std::deque<SymmetricProduct<Real>> products;
    for (Index worker = 0; worker < workers; ++worker) products.emplace_back(m, height);
    for (Index first = 0; first < n_slabs; first += workers) {
        const Index some = std::min(workers, n_slabs - first);
        for (Matrix<Real>& sum : sums) sum.setZero(m, m);
        for (Index done = 0; done < share && !context.stop(); done += height) {
            parallel_for(team, some, [&](Index worker) {
                const Index slab = first + worker, begin = slab * share + done;
                const Index end = std::min({begin + height, (slab + 1) * share, rows});
                if (begin >= end) return;
                Matrix<Real>& packed = panels[worker];
                pack(begin, end, packed.data(), packed.rows());
                products[worker].add(packed.data(), packed.rows(), end - begin, sums[worker]);
            });
        }
        for (Index worker = 0; worker < some; ++worker) gram += sums[worker];
    }
}

}  // namespace cycloid
