// Which block to update next.
#pragma once

#include <cstdint>
#include <memory>

#include "cycloid/bcd/block_partition.hpp"
#include "cycloid/bcd/block_problem.hpp"

namespace cycloid::bcd {

class Selection {
public:
    virtual ~Selection() = default;
    virtual void next(BlockProblem& problem, Block& block) = 0;
};

// With gradient g, Lipschitz constants L_i of coordinates and L_b of blocks, and H_b the bound of a
// block's Hessian (Nutini, Laradji & Schmidt 2022, section 3; the proximal rules are those of
// Nutini et al., ICML 2015, summed over the block).
enum class Rule {
    Random,          // uniformly
    Cyclic,          // fixed blocks in turn; variable blocks cut from a new permutation each pass
    Lipschitz,       // with probability proportional to L_b (L_i)
    GaussSouthwell,  // |g_b|^2
    GSL,             // |g_b|^2 / L_b; variable blocks: g_i^2 / D_i with row sums D of |H|
    GSD,             // sum g_i^2 / L_i
    GSQ,             // g_b' H_b^-1 g_b; variable blocks: iterative hard thresholding
    GSs,             // distance of -g_i from the subdifferential
    GSr,             // length of the proximal gradient step with the largest L_i
    GSq,             // decrease by that step, of the upper bound with the largest L_i
    GSLr,            // sqrt(L_i) times the length of the step with L_i
    GSLq,            // decrease of the upper bound with L_i
};

// Whether the rule sees kinks and bounds; those that do not are for smooth problems.
constexpr bool proximal(Rule rule) { return rule < Rule::GaussSouthwell || rule >= Rule::GSs; }

// std::invalid_argument where the rule does not go with the partition. The problem must outlive it.
std::unique_ptr<Selection> make_selection(Rule rule, const Partition& partition,
                                          BlockProblem& problem, std::uint64_t seed,
                                          const Context& context);

// argmin g'd + d'Hd / 2 over d with at most `count` entries that are not zero, roughly.
std::unique_ptr<Selection> make_hard_thresholding(Index count, BlockProblem& problem,
                                                  const Context& context);

}  // namespace cycloid::bcd
