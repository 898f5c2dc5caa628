// How a block moves.
#pragma once

#include <memory>

#include "cycloid/bcd/block_partition.hpp"
#include "cycloid/bcd/block_problem.hpp"

namespace cycloid::bcd {

class Update {
public:
    virtual ~Update() = default;
    // Moves the problem along the block and returns the change of its objective, never above
    // `slack` (what rounding may feign); false in `moved` if x stayed where it was.
    virtual double apply(BlockProblem& problem, const Block& block, double slack, bool& moved) = 0;
};

// With kinks or bounds each takes its proximal form (Nutini, Laradji & Schmidt 2022, section 4).
enum class UpdateKind {
    Gradient,      // step 1 / L_b
    Backtracking,  // step 1 / L, where L doubles until the decrease is what L promises
    Matrix,        // minimises the model with the bound of the block's Hessian
    Newton,        // the model with the block's Hessian, and a line search
    TwoMetric,     // Newton's on coordinates away from kinks, the gradient's on those held there
};

std::unique_ptr<Update> make_update(UpdateKind kind, const BlockProblem& problem,
                                    const Context& context);

// target <- argmin over v of gradient'(v - x) + (v - x)'H(v - x) / 2 + sum_k kinks[k].value(v_k).
// H: lower triangle, positive semi-definite.
void minimize_block_model(const Matrix<double>& hessian, const Vector& gradient, const Vector& x,
                          const std::vector<Kink>& kinks, Vector& target, const Context& context);

}  // namespace cycloid::bcd
