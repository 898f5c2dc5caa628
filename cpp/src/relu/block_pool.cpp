#include "block_pool.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace cycloid::relu {
namespace {

void append_columns(Matrix& to, const Matrix& columns) {
    const Index before = to.cols();
    to.conservativeResize(columns.rows(), before + columns.cols());
    to.rightCols(columns.cols()) = columns;
}

}  // namespace

void BlockPool::append(const Matrix& points, const Matrix& directions, const Matrix& v) {
    append_columns(points_, points);
    append_columns(directions_, directions);
    append_columns(v_, v);
    idle_.resize(static_cast<std::size_t>(points_.cols()), 0);
}

void BlockPool::add(const Network& network) {
    v_.setZero();
    Matrix v = network.u;
    for (Index j = 0; j < v.cols(); ++j) v.col(j) *= network.a.col(j).norm();
    append(network.u.colwise().normalized(), network.a.colwise().normalized(), v);
}

void BlockPool::add(const Matrix& points, const Matrix& directions) {
    append(points, directions, Matrix::Zero(points.rows(), points.cols()));
}

void BlockPool::build(const MatrixView& x, const Context& context) {
    DistinctPatterns distinct = distinct_patterns(x, points_, context);
    std::vector<Index> kept;
    blocks_.pattern.clear();
    for (Index j = 0; j < count(); ++j) {
        const Index pattern = distinct.pattern_of[static_cast<std::size_t>(j)];
        // Neurons of one pattern and one direction are one block: their sum does no worse.
        const auto same = std::find_if(kept.begin(), kept.end(), [&](Index i) {
            return distinct.pattern_of[static_cast<std::size_t>(i)] == pattern &&
                   (directions_.col(i) - directions_.col(j)).norm() < 1e-9;
        });
        const auto idle = idle_[static_cast<std::size_t>(j)];
        if (same == kept.end()) {
            kept.push_back(j);
            blocks_.pattern.push_back(pattern);
        } else {
            v_.col(*same) += v_.col(j);
            auto& known = idle_[static_cast<std::size_t>(*same)];
            known = std::min(known, idle);
        }
    }
    std::vector<Index> idle;
    idle.reserve(kept.size());
    for (const Index j : kept) idle.push_back(idle_[static_cast<std::size_t>(j)]);
    idle_ = std::move(idle);
    directions_ = directions_(Eigen::all, kept).eval();
    v_ = v_(Eigen::all, kept).eval();
    points_ = distinct.patterns.generators(Eigen::all, blocks_.pattern);
    blocks_.direction = directions_;
    patterns_ = std::move(distinct.patterns);
}

std::vector<Index> BlockPool::keep_active(const Matrix& v, double negligible, Index most_idle) {
    const Vector size = v.colwise().norm();
    std::vector<Index> order(static_cast<std::size_t>(count())), active, kept, idle;
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin(), order.end(),
              [&](Index i, Index j) { return std::pair(size[i], i) < std::pair(size[j], j); });
    std::vector<bool> is_active(order.size(), true);
    double sum = 0;
    for (const Index j : order) {
        sum += size[j];
        if (sum > negligible && size[j] > 0) break;
        is_active[static_cast<std::size_t>(j)] = false;
    }
    for (Index j = 0; j < count(); ++j) {
        const auto at = static_cast<std::size_t>(j);
        const Index rounds = is_active[at] ? 0 : idle_[at] + 1;
        if (is_active[at]) active.push_back(j);
        if (rounds > most_idle) continue;
        kept.push_back(j);
        idle.push_back(rounds);
    }
    idle_ = std::move(idle);
    points_ = points_(Eigen::all, kept).eval();
    directions_ = directions_(Eigen::all, kept).eval();
    v_ = v(Eigen::all, kept).eval();  // v may be v_ itself
    return active;
}

}  // namespace cycloid::relu
