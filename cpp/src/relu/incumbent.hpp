// The best feasible point and the best lower bound of a solve so far.
#pragma once

#include <limits>

#include "cycloid/relu/cones.hpp"

namespace cycloid::relu {

class Incumbent {
public:
    Incumbent(const Program& program, const Context& context);

    // Lifts v into the cones and chooses the best intercept.
    void offer_primal(Matrix v);
    // `a` anywhere; the best cone multipliers for it are found.
    void offer_dual(Matrix a);

    double objective() const { return point_.objective; }
    double lower_bound() const { return point_.lower_bound; }
    bool certified(double tol) const {
        return objective() - lower_bound() <= tol * std::abs(objective());
    }
    // A row of the trace; true if the solve is to stop.
    bool report(Index iteration, double tol);
    Solution finish(Status status, Index n_iter);

private:
    const Program& program_;
    Context context_;
    Cones cones_;
    Matrix margins_;  // of the generators
    Solution point_;
};

}  // namespace cycloid::relu
