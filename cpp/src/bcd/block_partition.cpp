#include "cycloid/bcd/block_partition.hpp"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "cycloid/bcd/forest.hpp"

namespace cycloid::bcd {
namespace {

// Ascending; equal values by index.
std::vector<Index> ascending(const Vector& values) {
    std::vector<Index> order(static_cast<std::size_t>(values.size()));
    std::iota(order.begin(), order.end(), Index{0});
    std::sort(order.begin(), order.end(), [&](Index i, Index j) {
        return values[i] != values[j] ? values[i] < values[j] : i < j;
    });
    return order;
}

// Smallest, largest, second smallest, second largest, ...
std::vector<Index> interleaved(const std::vector<Index>& sorted) {
    std::vector<Index> order;
    order.reserve(sorted.size());
    for (std::size_t low = 0, high = sorted.size(); low < high;) {
        order.push_back(sorted[low++]);
        if (low < high) order.push_back(sorted[--high]);
    }
    return order;
}

void add_block(Partition& partition, std::vector<Index> members, bool forest) {
    std::sort(members.begin(), members.end());
    partition.blocks.push_back({std::move(members), std::ssize(partition.blocks), forest});
}

// Chunks of the order; the last may be short.
void cut(Partition& partition, const std::vector<Index>& order) {
    const Index n = std::ssize(order);
    for (Index first = 0; first < n; first += partition.block_size) {
        const Index last = std::min(first + partition.block_size, n);
        add_block(partition, {order.begin() + first, order.begin() + last}, false);
    }
}

double row_sum_bound(const SparseSymmetric& graph, Columns block) {
    std::vector<Index> members(block.begin(), block.end());
    std::sort(members.begin(), members.end());
    double largest = 0;
    for (const Index i : block) {
        double sum = graph.diagonal[i];
        const auto nodes = graph.neighbours(i);
        const auto values = graph.couplings(i);
        for (std::size_t q = 0; q < nodes.size(); ++q) {
            if (std::binary_search(members.begin(), members.end(), Index{nodes[q]})) {
                sum += std::fabs(values[q]);
            }
        }
        largest = std::max(largest, sum);
    }
    return largest;
}

}  // namespace

Partition make_partition(PartitionKind kind, Index block_size, const BlockProblem& problem) {
    Partition partition{kind, std::min(block_size, problem.size()), {}};
    const Index n = problem.size();
    switch (kind) {
        case PartitionKind::Variable:
            return partition;
        case PartitionKind::Order: {
            std::vector<Index> order(static_cast<std::size_t>(n));
            std::iota(order.begin(), order.end(), Index{0});
            cut(partition, order);
            return partition;
        }
        case PartitionKind::Sort:
            cut(partition, ascending(problem.lipschitz()));
            return partition;
        case PartitionKind::Average:
            cut(partition, interleaved(ascending(problem.lipschitz())));
            return partition;
        default:
            break;
    }
    if (problem.graph() == nullptr) {
        throw std::invalid_argument("this partition is for graphs, that is for Quadratic alone");
    }
    if (kind == PartitionKind::GreedyForest) return partition;
    const std::vector<Node> order = descending(problem.graph()->diagonal);
    const auto blocks = kind == PartitionKind::RedBlack ? colour_partition(*problem.graph(), order)
                                                        : tree_partition(*problem.graph(), order);
    for (const std::vector<Node>& nodes : blocks) {
        add_block(partition, {nodes.begin(), nodes.end()}, true);
    }
    return partition;
}

Partition make_partition(std::vector<std::vector<Index>> blocks, Index size) {
    Partition partition{PartitionKind::Order, 1, {}};
    std::vector<char> seen(static_cast<std::size_t>(size), 0);
    Index count = 0;
    for (std::vector<Index>& members : blocks) {
        if (members.empty()) throw std::invalid_argument("a block of the partition is empty");
        for (const Index i : members) {
            if (i < 0 || i >= size || seen[i] != 0) {
                throw std::invalid_argument("the blocks of the partition must hold each of the " +
                                            std::to_string(size) + " coordinates once; " +
                                            std::to_string(i) + " is beyond them or comes twice");
            }
            seen[i] = 1;
        }
        count += std::ssize(members);
        partition.block_size = std::max(partition.block_size, std::ssize(members));
        add_block(partition, std::move(members), false);
    }
    if (count != size) {
        throw std::invalid_argument(
            "the blocks of the partition must hold each of the " + std::to_string(size) +
            " coordinates once; coordinate " +
            std::to_string(std::find(seen.begin(), seen.end(), 0) - seen.begin()) + " is missing");
    }
    return partition;
}

double block_lipschitz(BlockProblem& problem, Columns block) {
    constexpr Index affordable = 512;  // cubic from there on
    if (problem.graph() != nullptr && std::ssize(block) > affordable) {
        return row_sum_bound(*problem.graph(), block);
    }
    Matrix<double> hessian;
    problem.hessian(block, Curvature::Bound, hessian);
    if (hessian.rows() == 1) return hessian(0, 0);
    return Eigen::SelfAdjointEigenSolver<Matrix<double>>(hessian, Eigen::EigenvaluesOnly)
        .eigenvalues()
        .maxCoeff();
}

}  // namespace cycloid::bcd
