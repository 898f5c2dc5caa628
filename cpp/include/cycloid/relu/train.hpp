// Training of two-layer ReLU networks: local search, convex programs and pricing in turns.
#pragma once

#include <limits>

#include "cycloid/relu/network.hpp"
#include "cycloid/relu/pricing.hpp"

namespace cycloid::relu {

enum class TrainMode {
    Refined,  // local searches, then rounds of pricing, convex program and local search
    Random,   // one convex program of sampled patterns, as published
    All,      // as Refined, with exact pricing over all patterns: the global optimum (one output)
};

struct TrainOptions {
    TrainMode mode = TrainMode::Refined;
    Index n_neurons = 100;   // width of the local searches to begin with
    Index n_restarts = 8;    // starts, of which the better half is searched to the end
    Index n_patterns = 100;  // TrainMode::Random
    Index max_rounds = 30;
    double tol = 1e-3;  // on (objective - lower bound) / objective
    bool intercept = true;
    std::uint64_t seed = 0;
    int n_threads = 1;
    const Network* start = nullptr;  // a network to begin with, beside the restarts
    // Multiply-adds of a thousand iterations on a convex program, n d blocks each, above which a
    // round polishes by local search alone; then the bound comes from the network's own gradient.
    double most_work = 5e10;
};

// `Converged`: the gap to the lower bound met the tolerance. If that bound is rigorous, so is the
// claim; else it holds if pricing has found the most violated neuron. `Stalled`: rounds changed
// nothing more.
struct TrainResult {
    Network network;
    double objective = 0;                                           // of the network itself
    double lower_bound = -std::numeric_limits<double>::infinity();  // of networks of any width
    bool bound_is_rigorous = false;
    double rigorous_bound = -std::numeric_limits<double>::infinity();  // in any case; often loose
    double program_gap = std::numeric_limits<double>::quiet_NaN();     // of the last convex program
    Index n_patterns = 0, n_blocks = 0;                                // in the last convex program
    Index n_rounds = 0, n_programs = 0;
    Status status = Status::MaxIter;
    Trace trace{{"round", "seconds", "objective", "lower_bound", "n_neurons", "n_blocks", "n_new",
                 "violation"}};
};

// minimise  L((X U)_+ A' + 1 c') + alpha / 2 (|U|^2 + |A|^2)  over networks of any width
//
// Throws std::length_error in TrainMode::All if there are more patterns than `most_patterns`, and
// std::invalid_argument with several outputs.
TrainResult train(const MatrixView& x, const Loss& loss, double alpha, const TrainOptions& options,
                  Monitor& monitor);

constexpr double most_patterns = 2e5;

}  // namespace cycloid::relu
