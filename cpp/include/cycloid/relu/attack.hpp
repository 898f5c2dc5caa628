// How far a two-layer ReLU network can be led astray by inputs moved within a ball: from below by
// bounds that are proved, from above by moves that were found. Any network, however it was trained.
#pragma once

#include <vector>

#include "cycloid/relu/robust.hpp"

namespace cycloid::relu {

// The margin of a sample is y f(x) with one output and a label y of -1 or +1, else the output of
// its class less the largest other one. The prediction is right where it is positive.
struct Labels {
    std::vector<Index> of;  // each sample's: -1 or +1, or a class
};

struct AttackOptions {
    int steps = 40;
    int restarts = 5;  // the first from the sample itself
    std::uint64_t seed = 0;
    double low = -INFINITY, high = INFINITY;  // perturbed values stay within
};

struct AttackResult {
    Matrix x;       // n x d: the worst inputs that were found
    Vector margin;  // there
};

// Projected gradient descent on the margin (Madry et al., ICLR 2018), from random points of the
// ball.
AttackResult attack(const MatrixView& x, const Labels& labels, const Network& network,
                    const Ball& ball, const AttackOptions& options, const Context& context);

struct CertificateOptions {
    Index max_nodes = 200;  // of branch and bound, for each margin
};

struct Certificate {
    Vector lower, upper;  // bounds of each sample's worst margin over the ball
};

// Exact where no neuron changes its sign over a sample's ball; else linear bounds of the neurons
// with slopes that are optimised (Xu et al., ICLR 2021), and branch and bound on their signs, until
// the sign of the worst margin is known. An interrupted search leaves valid bounds.
Certificate certify(const MatrixView& x, const Labels& labels, const Network& network,
                    const Ball& ball, const CertificateOptions& options, const Context& context);

}  // namespace cycloid::relu
