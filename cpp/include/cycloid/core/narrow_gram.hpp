// The weighted Gram matrix of few columns and many rows.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <vector>

#include "cycloid/core/operator.hpp"
#include "cycloid/core/parallel.hpp"
#include "cycloid/core/trace.hpp"

namespace cycloid {

// gram (lower triangle) += sum over rows of packed_i packed_i'. The matrix is too small to share,
// so slabs of rows have one each, added up in order: the sums do not depend on the number of
// threads. pack(begin, end, out, stride) writes rows [begin, end) of all m columns, column k from
// out + k stride.
template <class Real, class Pack>
void narrow_gram(Index rows, Index m, const Pack& pack, Eigen::Ref<Matrix<Real>> gram,
                 const Context& context) {
    constexpr Index height = 512, n_slabs = 8;
    const Index share = (rows + n_slabs - 1) / n_slabs;
    std::vector<Matrix<Real>> sums(n_slabs, Matrix<Real>::Zero(m, m));
    std::vector<Matrix<Real>> panels(n_slabs, Matrix<Real>(std::min(height, share), m));
    for (Index done = 0; done < share && !context.stop(); done += height) {
        parallel_for(context.team(double(std::min(n_slabs * height, rows)) * double(m * m)),
                     n_slabs, [&](Index slab) {
                         const Index begin = slab * share + done;
                         const Index end = std::min({begin + height, (slab + 1) * share, rows});
                         if (begin >= end) return;
                         Matrix<Real>& packed = panels[slab];
                         pack(begin, end, packed.data(), packed.rows());
                         sums[slab].template selfadjointView<Eigen::Lower>().rankUpdate(
                             packed.topRows(end - begin).transpose());
                     });
    }
    for (const Matrix<Real>& sum : sums) gram += sum;
}

}  // namespace cycloid
