#include "cycloid/bcd/block_update.hpp"

#include <algorithm>
#include <unordered_map>

#include "local_block.hpp"

namespace cycloid::bcd {
namespace {

// Proximal gradient steps with one Lipschitz constant for the block, doubled until the decrease is
// what it promises; where that is too small to be seen, no less than what is `safe`.
double proximal_gradient(Local& at, double safe, double& lipschitz, double slack, bool& moved) {
    Vector target(at.size());
    moved = false;
    for (int trial = 0; trial < most_trials; ++trial, lipschitz *= 2) {
        double model = 0;
        for (Index k = 0; k < at.size(); ++k) {
            target[k] = at.kink(k).prox(at.x()[k] - at.gradient()[k] / lipschitz, lipschitz);
            const double d = target[k] - at.x()[k];
            model += d * (at.gradient()[k] + 0.5 * lipschitz * d);
        }
        if (target == at.x()) return 0;
        if (lipschitz < safe && -model < 100 * slack) {
            lipschitz = 0.5 * safe;
            continue;
        }
        const double smooth = at.smooth_change(target);
        // Where the bound is tight the two differ by rounding.
        if (smooth <= (1 - 1e-9) * model + slack) {
            return at.accept(smooth + at.separable_change(target), moved);
        }
    }
    return 0;
}

class GradientUpdate final : public Update {
public:
    double apply(BlockProblem& problem, const Block& block, double slack, bool& moved) override {
        Local at(problem, block);
        double lipschitz = 0;
        const auto known = known_.find(block.id);
        if (block.id >= 0 && known != known_.end()) {
            lipschitz = known->second;
        } else {
            // Rounding may have left the eigenvalue a little low.
            lipschitz = (1 + 1e-12) * block_lipschitz(problem, block.members);
            if (!(lipschitz > 0)) lipschitz = 1;
            if (block.id >= 0) known_.emplace(block.id, lipschitz);
        }
        return proximal_gradient(at, lipschitz, lipschitz, slack, moved);
    }

private:
    std::unordered_map<Index, double> known_;
};

// "LA" of the paper, with estimates that may fall again.
class BacktrackingUpdate final : public Update {
public:
    explicit BacktrackingUpdate(const BlockProblem& problem) : lipschitz_(problem.lipschitz()) {
        const double largest = lipschitz_.maxCoeff();
        lipschitz_ = lipschitz_.cwiseMax(largest > 0 ? 1e-12 * largest : 1.0);
        estimates_ = lipschitz_;
    }
    double apply(BlockProblem& problem, const Block& block, double slack, bool& moved) override {
        Local at(problem, block);
        double known = 0, safe = 0;
        for (const Index i : block.members) {
            known = std::max(known, estimates_[i]);
            safe += lipschitz_[i];  // the trace of the bound is above its eigenvalues
        }
        double lipschitz = 0.5 * known;
        const double change = proximal_gradient(at, safe, lipschitz, slack, moved);
        for (const Index i : block.members) estimates_[i] = lipschitz;
        return change;
    }

private:
    Vector lipschitz_, estimates_;
};

}  // namespace

std::unique_ptr<Update> make_update(UpdateKind kind, const BlockProblem& problem,
                                    const Context& context) {
    switch (kind) {
        case UpdateKind::Gradient:
            return std::make_unique<GradientUpdate>();
        case UpdateKind::Backtracking:
            return std::make_unique<BacktrackingUpdate>(problem);
        case UpdateKind::Matrix:
            return make_model_update(Curvature::Bound, problem, context);
        case UpdateKind::Newton:
            return make_model_update(Curvature::Local, problem, context);
        default:
            return make_two_metric_update(problem, context);
    }
}

}  // namespace cycloid::bcd
