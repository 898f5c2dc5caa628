// Blocks of one pattern whose directions are equal but for sign act on the predictions through
// their signed sum alone. The linear systems know them as one block.
#pragma once

#include "cycloid/relu/program.hpp"

namespace cycloid::relu {

struct MergedBlocks {
    explicit MergedBlocks(const Blocks& blocks);

    Blocks blocks;              // directions times the square root of the multiplicity
    std::vector<Index> into;    // of each block: the merged one
    std::vector<double> scale;  // of each block: its sign over the root of the multiplicity
    bool separate = true;       // each direction belongs to one output
};

}  // namespace cycloid::relu
