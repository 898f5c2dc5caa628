// Two-layer ReLU networks and their own, non-convex objective.
#pragma once

#include "cycloid/relu/program.hpp"

namespace cycloid::relu {

// (X U)_+ A' + 1 c'
Matrix predict(const MatrixView& x, const Network& network, const Context& context);

// minimise  L((X U)_+ A' + 1 c') + alpha / 2 (|U|^2 + |A|^2)
class NetworkObjective {
public:
    NetworkObjective(const MatrixView& x, const Loss& loss, double alpha, bool intercept)
        : x_(x), loss_(loss), alpha_(alpha), intercept_(intercept) {}

    double value(const Network& at, const Context& context) const;
    // Also the gradient, with the derivative 0 of (t)_+ at t = 0. Sums over samples are taken over
    // fixed pieces of them: the same for every number of threads.
    double value(const Network& at, Network& gradient, const Context& context);

    const MatrixView& x() const { return x_; }
    const Loss& loss() const { return loss_; }
    double alpha() const { return alpha_; }
    bool intercept() const { return intercept_; }

private:
    double penalty(const Network& at) const {
        return alpha_ / 2 * (at.u.squaredNorm() + at.a.squaredNorm());
    }

    MatrixView x_;
    const Loss& loss_;
    double alpha_;
    bool intercept_;
    Matrix hidden_, output_, slope_;  // n x m, n x outputs, n x outputs
};

// The same function with |u_j| = |a_j| for every neuron, which the penalty likes best. Neurons that
// give nothing (u_j = 0 or a_j = 0) are left out.
Network balanced(const Network& network);

// The same predictions on X, to rounding, no larger penalty, and at most rank neurons: those whose
// outputs (X u_j)_+ a_j' on the samples are linearly independent, at most n * outputs. Balanced.
Network pruned(const MatrixView& x, const Network& network, const Context& context);

// Those neurons, in that order.
Network subset(const Network& network, const std::vector<Index>& neurons);

struct LocalOptions {
    Index max_iter = 1000;
    double gradient_tol = 1e-7;   // on the largest entry of the gradient, relative to alpha
    double decrease_tol = 1e-10;  // on the relative decrease over ten iterations
};

struct LocalMinimum {
    Network network;
    double value = 0;  // of the objective
    Index n_iter = 0;
    Status status = Status::MaxIter;
};

// Lowers the objective by L-BFGS; never returns a worse network. Neurons that died on the way are
// left out.
LocalMinimum local_search(NetworkObjective& objective, Network start, const LocalOptions& options,
                          const Context& context);

// A start for a local search: Gaussian weights such that |u_j| = |a_j| and neurons * |u_j|^2 = 1 in
// expectation, without intercept.
Network random_network(Index inputs, Index outputs, Index neurons, std::uint64_t seed);

}  // namespace cycloid::relu
