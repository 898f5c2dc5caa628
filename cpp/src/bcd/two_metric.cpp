// Two-metric projection (Gafni & Bertsekas 1984) within the orthant of the present signs: one
// Cholesky factorization in the place of a quadratic program.
#include <tuple>

#include "cycloid/core/cholesky.hpp"
#include "local_block.hpp"

namespace cycloid::bcd {
namespace {

class TwoMetricUpdate final : public Update {
public:
    TwoMetricUpdate(const BlockProblem& problem, const Context& context)
        : lipschitz_(problem.lipschitz()), context_(context) {
        const double largest = lipschitz_.maxCoeff();
        lipschitz_ = lipschitz_.cwiseMax(largest > 0 ? 1e-12 * largest : 1.0);
    }

    double apply(BlockProblem& problem, const Block& block, double slack, bool& moved) override {
        Local at(problem, block);
        const Vector direction = find_direction(problem, at);
        moved = false;
        double length = 1;
        Vector target(at.size());
        for (int trial = 0; trial < most_trials; ++trial) {
            double slope = 0;
            for (Index k = 0; k < at.size(); ++k) {
                const double end = at.x()[k] + length * direction[k];
                target[k] = std::min(std::max(end, low_[k]), high_[k]);
                slope += slope_[k] * (target[k] - at.x()[k]);
            }
            if (target == at.x()) return 0;
            const double change = at.smooth_change(target) + at.separable_change(target);
            if (change <= sufficient_decrease * std::min(slope, 0.0) + slack) {
                return at.accept(change, moved);
            }
            length *= 0.5;
        }
        return 0;
    }

private:
    // The orthant, the slope of the objective within it, and the direction: Newton's for the
    // coordinates that are free, a gradient step for those at a kink that they press against.
    Vector find_direction(BlockProblem& problem, const Local& at) {
        const Index count = at.size();
        low_.resize(count);
        high_.resize(count);
        slope_ = at.gradient();
        free_.clear();
        held_.clear();
        double held_curvature = 0;
        for (Index k = 0; k < count; ++k) {
            std::tie(low_[k], high_[k]) = at.kink(k).orthant(slope_[k], at.x()[k]);
            if (at.kink(k).l1 > 0) slope_[k] += low_[k] >= 0 ? at.kink(k).l1 : -at.kink(k).l1;
            const double room = slope_[k] > 0 ? at.x()[k] - low_[k] : high_[k] - at.x()[k];
            const double lipschitz = lipschitz_[at.members()[k]];
            // Near enough for a small part of a gradient step to end there.
            if (room <= nearness * std::fabs(slope_[k]) / lipschitz) {
                held_.push_back(k);
                held_curvature += lipschitz;
            } else {
                free_.push_back(k);
            }
        }
        Vector direction(count);
        for (const Index k : held_) direction[k] = -slope_[k] / held_curvature;
        solve_free(problem, at, direction);
        return direction;
    }
    void solve_free(BlockProblem& problem, const Local& at, Vector& direction) {
        if (free_.empty()) return;
        std::vector<Index> members;
        members.reserve(free_.size());
        Vector step(std::ssize(free_));
        for (const Index k : free_) {
            step[std::ssize(members)] = -slope_[k];
            members.push_back(at.members()[k]);
        }
        problem.hessian(members, Curvature::Local, hessian_);
        cholesky(hessian_, 1e-12, context_);
        cholesky_solve(hessian_, step);
        for (Index k = 0; k < step.size(); ++k) direction[free_[k]] = step[k];
    }

    static constexpr double nearness = 1e-2;

    Vector lipschitz_, low_, high_, slope_;
    Context context_;
    std::vector<Index> free_, held_;
    Matrix<double> hessian_;
};

}  // namespace

std::unique_ptr<Update> make_two_metric_update(const BlockProblem& problem,
                                               const Context& context) {
    return std::make_unique<TwoMetricUpdate>(problem, context);
}

}  // namespace cycloid::bcd
