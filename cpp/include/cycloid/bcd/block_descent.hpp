// Block coordinate descent: a partition, a selection rule and an update, put together.
#pragma once

#include <cstdint>

#include "cycloid/bcd/block_selection.hpp"
#include "cycloid/bcd/block_update.hpp"

namespace cycloid::bcd {

struct DescentOptions {
    Rule rule = Rule::GSD;
    UpdateKind update = UpdateKind::Newton;
    const double* start = nullptr;  // null: the point of the box that is nearest to zero
    double rtol = 1e-6, atol = 0;   // violation <= max(atol, rtol * violation at that point)
    Index max_iter = 1000;
    std::uint64_t seed = 0;
};

struct Descent {
    Vector x;
    double objective = 0;
    double violation = 0;  // largest distance of a -gradient_i from its subdifferential
    double tolerance = 0;
    Index n_iter = 0;
    Status status = Status::Converged;
    Trace trace{{"iteration", "seconds", "objective", "violation", "block_size"}};
};

Descent descend_blocks(BlockProblem& problem, const Partition& partition,
                       const DescentOptions& options, const Context& context);

}  // namespace cycloid::bcd
