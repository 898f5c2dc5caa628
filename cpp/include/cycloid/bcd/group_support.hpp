// Where the penalty of groups is smooth: the coefficients that are not zero.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "cycloid/bcd/group_penalty.hpp"

namespace cycloid::bcd {

// Consecutive positions [begin, end).
struct Range {
    Index begin = 0, end = 0;
    Index size() const { return end - begin; }
};

// One row a coefficient, one column an output.
using Outputs = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// The values of one group, which lie side by side.
inline std::span<const double> part(const Outputs& of, const Range& range) {
    return {of.data() + range.begin * of.cols(),
            static_cast<std::size_t>(range.size() * of.cols())};
}

// The largest violation among groups that are not zero (or have no kink there), and among others.
struct SupportViolation {
    double on = 0, off = 0;
    double largest() const { return std::max(on, off); }
};

inline SupportViolation support_violation(std::span<const Range> groups,
                                          std::span<const GroupPenalty> penalty,
                                          const Outputs& slope, const Outputs& b) {
    SupportViolation violation;
    for (std::size_t g = 0; g < groups.size(); ++g) {
        const auto here = part(b, groups[g]);
        const bool on = penalty[g].free() ||
                        std::any_of(here.begin(), here.end(), [](double v) { return v != 0; });
        double& largest = on ? violation.on : violation.off;
        largest = std::max(largest, penalty[g].violation(part(slope, groups[g]), here));
    }
    return violation;
}

class GroupSupport {
public:
    GroupSupport(std::span<const Range> groups, std::span<const GroupPenalty> penalty,
                 const Outputs& b)
        : n_outputs_(b.cols()) {
        for (std::size_t g = 0; g < groups.size(); ++g) {
            double square = 0;
            for (const double v : part(b, groups[g])) square += v * v;
            if (square == 0 && !penalty[g].free()) continue;
            Group group{{rows(), rows() + groups[g].size()}, penalty[g], penalty[g].l2, 0};
            if (square > 0 && penalty[g].norm > 0) {
                const double pull = penalty[g].norm / std::sqrt(square);
                group.round += pull;
                group.inner = pull / square;
            }
            for (Index r = groups[g].begin; r < groups[g].end; ++r) {
                positions_.push_back(r);
                of_.push_back(groups_.size());
            }
            groups_.push_back(group);
        }
        b_.resize(rows(), n_outputs_);
        for (Index r = 0; r < rows(); ++r) b_.row(r) = b.row(positions_[r]);
    }

    Index rows() const { return static_cast<Index>(positions_.size()); }
    // Of its rows within b.
    const std::vector<Index>& positions() const { return positions_; }
    const Outputs& coefficients() const { return b_; }

    // The penalty's Hessian there is round I - inner b b', block by block.
    double round(Index row) const { return groups_[of_[row]].round; }
    double inner(Index row, Index column) const {
        return of_[row] == of_[column] ? groups_[of_[row]].inner : 0.0;
    }
    // Zeros of a group whose own entries have kinks stay.
    bool moves(Index row, Index k) const {
        return b_(row, k) != 0 || groups_[of_[row]].penalty.l1 == 0;
    }

    // slope minus the derivative of the penalty.
    void residual(const Outputs& slope, Eigen::Ref<Eigen::VectorXd> out) const {
        for (Index r = 0; r < rows(); ++r) {
            const Group& group = groups_[of_[r]];
            for (Index k = 0; k < n_outputs_; ++k) {
                const double b = b_(r, k);
                const double kink = b != 0 ? std::copysign(group.penalty.l1, b) : 0.0;
                out[r * n_outputs_ + k] =
                    moves(r, k) ? slope(positions_[r], k) - group.round * b - kink : 0.0;
            }
        }
    }
    // out += (Hessian of the penalty) v, and zero where nothing moves.
    void add_curvature(const Eigen::VectorXd& v, Eigen::VectorXd& out) const {
        for (const Group& group : groups_) {
            const Index first = group.range.begin * n_outputs_;
            const Index count = group.range.size() * n_outputs_;
            const Eigen::Map<const Eigen::VectorXd> b(b_.data() + first, count);
            const auto vg = v.segment(first, count);
            out.segment(first, count) += group.round * vg - (group.inner * b.dot(vg)) * b;
        }
        mask(out);
    }
    void mask(Eigen::VectorXd& v) const {
        for (Index r = 0; r < rows(); ++r) {
            if (groups_[of_[r]].penalty.l1 == 0) continue;
            for (Index k = 0; k < n_outputs_; ++k) {
                if (b_(r, k) == 0) v[r * n_outputs_ + k] = 0;
            }
        }
    }
    // Shortens the step where a coefficient, or a whole group, would pass through zero.
    void stop_at_zero(const Outputs& b, Outputs& step) const {
        for (const Group& group : groups_) {
            double agreement = 0;
            for (Index r = group.range.begin; r < group.range.end; ++r) {
                for (Index k = 0; k < n_outputs_; ++k) {
                    const double old = b(positions_[r], k);
                    double& move = step(positions_[r], k);
                    if (group.penalty.l1 > 0 && old * (old + move) <= 0) move = -old;
                    agreement += old * (old + move);
                }
            }
            if (group.penalty.norm == 0 || agreement > 0) continue;
            for (Index r = group.range.begin; r < group.range.end; ++r) {
                step.row(positions_[r]) = -b.row(positions_[r]);
            }
        }
    }

private:
    struct Group {
        Range range;
        GroupPenalty penalty;
        double round, inner;
    };

    Index n_outputs_;
    std::vector<Index> positions_;
    std::vector<std::size_t> of_;
    std::vector<Group> groups_;
    Outputs b_;
};

}  // namespace cycloid::bcd
