#include "cycloid/bcd/group_residual_solver.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace cycloid::bcd {
namespace {

constexpr Index support_sweeps = 3, most_sweeps = 8;

// visit(sample, value) for the entries of a column.
template <class Visit>
void for_entries(const ColumnBlock& x, Index column, const Visit& visit) {
    if (x.sparse) {
        for (Index q = x.starts[column]; q < x.starts[column + 1]; ++q) {
            visit(static_cast<Index>(x.rows[q]), x.values[q]);
        }
    } else {
        const double* values = x.values.data() + column * x.n_rows;
        for (Index i = 0; i < x.n_rows; ++i) visit(i, values[i]);
    }
}

}  // namespace

template <class Loss>
GroupResidualSolver<Loss>::GroupResidualSolver(const ColumnBlock& block, const Response& response,
                                               const double* probability, bool intercept,
                                               Outputs& u)
    : x_(block),
      r_(response),
      probability_(probability),
      intercept_(intercept),
      u_(u),
      curvature_(Outputs::Zero(block.n_columns, response.n_outputs)),
      curvature0_(Eigen::VectorXd::Zero(response.n_outputs)),
      change_(response.n_outputs) {
    const Index k = r_.n_outputs;
    for (Index j = 0; j < x_.n_columns; ++j) {
        double* sums = curvature_.row(j).data();
        for_entries(x_, j, [&](Index i, double v) {
            for (Index c = 0; c < k; ++c) sums[c] += v * v * Loss::bound(r_, probability_, i, c);
        });
    }
    for (Index i = 0; i < r_.n && intercept_; ++i) {
        for (Index c = 0; c < k; ++c) curvature0_[c] += Loss::bound(r_, probability_, i, c);
    }
}

template <class Loss>
void GroupResidualSolver<Loss>::solve(std::span<const Range> groups,
                                      std::span<const GroupPenalty> penalty, Outputs& b,
                                      Eigen::VectorXd& b0, const Visit& visit,
                                      const Context& context, Effort& effort) {
    std::vector<std::size_t> everything(groups.size()), support;
    std::iota(everything.begin(), everything.end(), std::size_t{0});
    const auto sweep = [&](std::span<const std::size_t> gs) {
        double largest = 0;
        Index visited = 0;
        move_intercept(b0);
        for (const std::size_t g : gs) {
            if ((++visited & 63) == 0 && context.stop()) break;
            largest = std::max(largest, relax(groups[g], penalty[g], b));
        }
        ++effort.epochs;
        return largest;
    };
    for (Index done = 0; done < most_sweeps && !context.stop();) {
        if (visit.order != nullptr) visit.order->shuffle(std::span<std::size_t>(everything));
        const double violation = sweep(everything);
        ++done;
        if (!(violation > visit.tolerance)) return;
        support.clear();
        for (const std::size_t g : everything) {
            if (penalty[g].free() || b.middleRows(groups[g].begin, groups[g].size()).any()) {
                support.push_back(g);
            }
        }
        const double goal = std::max(visit.tolerance, 0.3 * violation);
        for (Index k = 0; k < support_sweeps && !context.stop(); ++k, ++done) {
            if (!(sweep(support) > goal)) break;
        }
    }
}

// To the minimum under the diagonal bound; returns the violation before.
template <class Loss>
double GroupResidualSolver<Loss>::relax(const Range& group, const GroupPenalty& penalty,
                                        Outputs& b) {
    const Index k = r_.n_outputs, size = group.size();
    const auto count = static_cast<std::size_t>(size * k);
    slope_.setZero(size, k);
    for (Index j = 0; j < size; ++j) {
        double* sums = slope_.row(j).data();
        for_entries(x_, group.begin + j, [&](Index i, double v) {
            const double* u = u_.data() + i * k;
#pragma omp simd
            for (Index c = 0; c < k; ++c) sums[c] += v * u[c];
        });
    }
    auto old = b.middleRows(group.begin, size);
    const double violation = penalty.violation({slope_.data(), count}, {old.row(0).data(), count});
    if (violation == 0) return 0;
    // A matrix is at most its number of blocks times its block diagonal.
    scaled_ = static_cast<double>(size) * curvature_.middleRows(group.begin, size);
    next_ = slope_ + scaled_.cwiseProduct(old);
    penalty.prox({next_.data(), count}, {scaled_.data(), count});
    slope_ = next_ - old;
    old = next_;
    for (Index j = 0; j < size; ++j) {
        if (slope_.row(j).any()) take(group.begin + j, slope_.row(j).data());
    }
    return violation;
}

template <class Loss>
void GroupResidualSolver<Loss>::move_intercept(Eigen::VectorXd& b0) {
    if (!intercept_) return;
    const Eigen::VectorXd sums = u_.colwise().sum();
    const Eigen::VectorXd step =
        (curvature0_.array() > 0).select(sums.cwiseQuotient(curvature0_), 0.0);
    b0 += step;
    for (Index i = 0; i < r_.n; ++i) {
        change_ = step;
        Loss::curve(r_, probability_, i, change_.data());
        u_.row(i) -= change_.transpose();
    }
}

// u <- u - H (x_column step')
template <class Loss>
void GroupResidualSolver<Loss>::take(Index column, double* step) {
    const Index k = r_.n_outputs;
    for_entries(x_, column, [&](Index i, double v) {
        if (v == 0) return;
        std::copy(step, step + k, change_.data());
        Loss::curve(r_, probability_, i, change_.data());
        double* u = u_.data() + i * k;
        const double* change = change_.data();
#pragma omp simd
        for (Index c = 0; c < k; ++c) u[c] -= v * change[c];
    });
}

template class GroupResidualSolver<Softmax>;

}  // namespace cycloid::bcd
