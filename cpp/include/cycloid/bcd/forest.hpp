// Blocks of variables whose couplings form a forest: how to find them, and the exact solution of
// their systems in linear time by message passing.
#pragma once

#include <span>
#include <vector>

#include "cycloid/bcd/sparse_symmetric.hpp"

namespace cycloid::bcd {

// A block in an order in which every node stands before its parent.
struct Forest {
    std::vector<Node> nodes;
    std::vector<Node> parent;      // position in `nodes` of the parent, -1 for a root
    std::vector<double> coupling;  // A(node, parent), 0 for a root

    Index size() const { return std::ssize(nodes); }
};

// Orders blocks of one matrix, each in time linear in its edges.
class ForestOrder {
public:
    explicit ForestOrder(const SparseSymmetric& matrix);

    // std::invalid_argument if the couplings of these (distinct) nodes contain a cycle.
    Forest operator()(std::span<const Node> block);

private:
    const SparseSymmetric& matrix_;
    std::vector<Node> place_;  // of a node of the block in the order so far, else a mark
};

// Solves H x = rhs in place, where H has this diagonal and the forest's couplings, all by position
// in the forest: leaves to roots, then back (Gaussian belief propagation; Nutini, Laradji & Schmidt
// 2022, section 4). `pivots` is room for one number a node. Returns false, and leaves rhs spoilt,
// unless all pivots are positive: H is not positive definite.
bool pass_messages(const Forest& forest, std::span<const double> diagonal, std::span<double> rhs,
                   std::span<double> pivots);

// Disjoint sets with path halving.
class UnionFind {
public:
    explicit UnionFind(Index size);
    Node find(Node i) {
        while (parent(i) != i) i = parent(i) = parent(parent(i));
        return i;
    }
    void unite(Node i, Node j) { parent(find(i)) = find(j); }

private:
    Node& parent(Node i) { return parent_[static_cast<std::size_t>(i)]; }
    std::vector<Node> parent_;
};

// The nodes, those of high score first; equal scores in order of their index.
std::vector<Node> descending(std::span<const double> scores);

// Greedy tree block: goes through the nodes in this order and takes each that closes no cycle with
// those taken before (their Algorithm for general graphs, here by union-find).
std::vector<Node> greedy_forest(const SparseSymmetric& matrix, std::span<const Node> order);

// Few blocks that each induce a forest: each node, in this order, joins the first that stays one.
std::vector<std::vector<Node>> tree_partition(const SparseSymmetric& matrix,
                                              std::span<const Node> order);

// Blocks without couplings inside: each node, in this order, gets the least used admissible
// colour, or a new one.
std::vector<std::vector<Node>> colour_partition(const SparseSymmetric& matrix,
                                                std::span<const Node> order);

}  // namespace cycloid::bcd
