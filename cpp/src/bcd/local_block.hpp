// What the updates share: a block where it stands, and trials of where it could go.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "cycloid/bcd/block_update.hpp"

namespace cycloid::bcd {

constexpr double sufficient_decrease = 1e-4;  // Armijo's share of the predicted decrease
constexpr int most_trials = 60;

// A block, the point and the gradient there.
class Local {
public:
    Local(BlockProblem& problem, const Block& block)
        : problem_(problem),
          block_(block),
          x_(std::ssize(block.members)),
          kinks_(block.members.size()) {
        problem.gradient(block.members, gradient_);
        for (Index k = 0; k < size(); ++k) {
            x_[k] = problem.x()[block.members[k]];
            kinks_[k] = problem.separable().at(block.members[k]);
        }
    }

    Index size() const { return x_.size(); }
    Columns members() const { return block_.members; }
    const Vector& x() const { return x_; }
    const Vector& gradient() const { return gradient_; }
    const std::vector<Kink>& kinks() const { return kinks_; }
    const Kink& kink(Index k) const { return kinks_[k]; }

    // Of the separable part alone.
    double separable_change(const Vector& target) const {
        double sum = 0;
        for (Index k = 0; k < size(); ++k) sum += kinks_[k].change(x_[k], target[k] - x_[k]);
        return sum;
    }
    double smooth_change(const Vector& target) { return problem_.change(block_.members, target); }
    // Ends the update at the last trial.
    double accept(double change, bool& moved) {
        problem_.accept();
        moved = true;
        return change;
    }

private:
    BlockProblem& problem_;
    const Block& block_;
    Vector x_, gradient_;
    std::vector<Kink> kinks_;
};

// A shorter step, where the objective is a parabola through what was seen.
inline double shorten(double length, double slope, double change) {
    const double best = -0.5 * slope * length * length / (change - slope * length);
    return std::isfinite(best) ? std::clamp(best, 0.1 * length, 0.5 * length) : 0.1 * length;
}

std::unique_ptr<Update> make_model_update(Curvature curvature, const BlockProblem& problem,
                                          const Context& context);
std::unique_ptr<Update> make_two_metric_update(const BlockProblem& problem, const Context& context);

}  // namespace cycloid::bcd
