// The Gram matrix of the columns met so far, kept from one working set to the next.
#pragma once

#include <vector>

#include "cycloid/bcd/gram_solver.hpp"
#include "cycloid/bcd/kernels.hpp"

namespace cycloid::bcd {

template <Kernels K, class Real>
class GramCache {
public:
    explicit GramCache(Index n_features) : position_(static_cast<std::size_t>(n_features), -1) {}

    // The matrix of the active columns, in their order; valid until the next call. Only columns not
    // met before cost anything. The curvature it stands for may lag behind: a model within `lag` of
    // the true one converges at that rate, and a step costs a fraction of a new matrix.
    typename GramSolver<Real>::Matrix of(K& kernels, const std::vector<Index>& active,
                                         const Context& context) {
        constexpr double lag = 0.05;
        if (kernels.drift() > lag) {
            forget();
            kernels.freeze();
        }
        extend(kernels, active);
        const auto m = static_cast<Index>(active.size());
        if (active == columns_) return matrix_.topLeftCorner(m, m);
        if (active != selected_) select(active, context);
        return part_.topLeftCorner(m, m);
    }

    void forget() {
        ++version_;
        for (const Index j : columns_) position_[j] = -1;
        columns_.clear(), selected_.clear();
    }

    // Changes when entries of known columns do.
    Index version() const { return version_; }

private:
    void extend(K& kernels, const std::vector<Index>& active) {
        const auto before = static_cast<Index>(columns_.size());
        for (const Index j : active) {
            if (position_[j] >= 0) continue;
            position_[j] = static_cast<Index>(columns_.size());
            columns_.push_back(j);
        }
        const auto m = static_cast<Index>(columns_.size());
        if (before == m) return;
        if (matrix_.rows() < m) {
            const Index capacity = K::has_samples ? m + m / 2 : m;
            Matrix<Real> larger(capacity, capacity);
            larger.topLeftCorner(before, before) = matrix_.topLeftCorner(before, before);
            matrix_.swap(larger);
        }
        kernels.gram(columns_, before, matrix_.topLeftCorner(m, m));
    }

    // The active part of the matrix, side by side.
    void select(const std::vector<Index>& active, const Context& context) {
        selected_ = active;
        const auto m = static_cast<Index>(active.size());
        if (part_.rows() < m) part_.resize(m + m / 4, m + m / 4);
        parallel_blocks(context.team(double(m) * double(m)), m, 32, [&](Index begin, Index end) {
            for (Index c = begin; c < end; ++c) {
                const Real* from = matrix_.col(position_[active[c]]).data();
                Real* to = part_.col(c).data();
                for (Index r = 0; r < m; ++r) to[r] = from[position_[active[r]]];
            }
        });
    }

    std::vector<Index> columns_, position_;  // position_[j]: the place of column j, or -1
    std::vector<Index> selected_;            // the columns of part_
    Matrix<Real> matrix_, part_;
    Index version_ = 0;
};

}  // namespace cycloid::bcd
