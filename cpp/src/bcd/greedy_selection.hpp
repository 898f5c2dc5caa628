// Greedy rules by scores of units: the fixed blocks, or single coordinates of which a variable
// block takes the best.
#pragma once

#include <memory>

#include "cycloid/bcd/block_selection.hpp"

namespace cycloid::bcd {

std::unique_ptr<Selection> make_greedy(Rule rule, const Partition& partition,
                                       BlockProblem& problem);
// Greedy forests, grown from the coordinates in the order of their scores, or at random.
std::unique_ptr<Selection> make_forest_grower(Rule rule, BlockProblem& problem, std::uint64_t seed);

}  // namespace cycloid::bcd
