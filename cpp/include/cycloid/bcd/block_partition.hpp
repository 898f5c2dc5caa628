// How coordinates are cut into blocks.
#pragma once

#include <string>
#include <vector>

#include "cycloid/bcd/block_problem.hpp"

namespace cycloid::bcd {

struct Block {
    std::vector<Index> members;
    Index id = -1;        // of a fixed block, whose constants may be kept; -1: a variable one
    bool forest = false;  // its couplings form a forest
};

enum class PartitionKind {
    Variable,      // a block of any coordinates, chosen afresh for each update
    GreedyForest,  // alike, as large as its couplings form a forest
    Order,         // consecutive coordinates
    Sort,          // those of like Lipschitz constants together
    Average,       // large and small Lipschitz constants together
    RedBlack,      // no couplings within a block: the colours of the graph
    Forests,       // few blocks that are forests
};

struct Partition {
    PartitionKind kind = PartitionKind::Variable;
    Index block_size = 1;
    std::vector<Block> blocks;  // of a fixed partition

    bool fixed() const { return !blocks.empty(); }
};

// std::invalid_argument where the kind is for graphs and the problem has none.
Partition make_partition(PartitionKind kind, Index block_size, const BlockProblem& problem);
// Blocks that somebody chose: they must not be empty, and hold each coordinate once.
Partition make_partition(std::vector<std::vector<Index>> blocks, Index size);

// The largest eigenvalue of the block's Hessian bound; for large blocks of a graph, a bound of it.
double block_lipschitz(BlockProblem& problem, Columns block);

}  // namespace cycloid::bcd
