// Updates that minimise a quadratic model of the block: "matrix" and "Newton".
#include <unordered_map>
#include <utility>

#include "cycloid/bcd/forest.hpp"
#include "cycloid/core/cholesky.hpp"
#include "local_block.hpp"

namespace cycloid::bcd {
namespace {

// Goes from x towards the target until the objective has fallen enough.
double search_line(Local& at, const Vector& end, double share, double slack, bool& moved) {
    moved = false;
    const Vector direction = end - at.x();
    const double slope = direction.dot(at.gradient()) + at.separable_change(end);
    if (direction.isZero(0) || !end.allFinite()) return 0;
    double length = 1;
    Vector target = end;
    for (int trial = 0; trial < most_trials; ++trial) {
        const double change = at.smooth_change(target) + at.separable_change(target);
        if (change <= share * length * slope + slack) return at.accept(change, moved);
        length = shorten(length, slope, change);
        target = at.x() + length * direction;
        for (Index k = 0; k < at.size(); ++k) target[k] = at.kink(k).project(target[k]);
    }
    return 0;
}

// Minimises the quadratic model of the block, with the bound of the Hessian or the Hessian itself.
class ModelUpdate final : public Update {
public:
    ModelUpdate(Curvature curvature, const BlockProblem& problem, const Context& context)
        : curvature_(curvature),
          constant_(curvature == Curvature::Bound || problem.quadratic()),
          smooth_(problem.separable().smooth()),
          context_(context) {
        if (problem.graph() == nullptr) return;
        order_ = std::make_unique<ForestOrder>(*problem.graph());
        place_.resize(static_cast<std::size_t>(problem.size()));
    }

    double apply(BlockProblem& problem, const Block& block, double slack, bool& moved) override {
        Local at(problem, block);
        Vector end;
        if (block.forest && smooth_ && order_ != nullptr) {
            end = solve_forest(*problem.graph(), block, at);
        } else if (smooth_) {
            Vector step = at.gradient();
            cholesky_solve(matrix_of(problem, block), step);
            end = at.x() - step;
        } else {
            const Matrix<double>& hessian = matrix_of(problem, block);
            minimize_block_model(hessian, at.gradient(), at.x(), at.kinks(), end, context_);
        }
        return search_line(at, end, curvature_ == Curvature::Local ? sufficient_decrease : 0.0,
                           slack, moved);
    }

private:
    // The block's Hessian, or its factor where there are no kinks; of fixed blocks it is kept if
    // it stays the same.
    const Matrix<double>& matrix_of(BlockProblem& problem, const Block& block) {
        constexpr Index most_kept = Index{1} << 24;  // numbers
        const bool keep = constant_ && block.id >= 0;
        if (const auto known = kept_.find(block.id); keep && known != kept_.end()) {
            return known->second;
        }
        problem.hessian(block.members, curvature_, fresh_);
        // A raised pivot is a raised diagonal entry: the model stays above the objective.
        if (smooth_) cholesky(fresh_, 1e-12, context_);
        if (!keep || n_kept_ + fresh_.size() > most_kept) return fresh_;
        n_kept_ += fresh_.size();
        return kept_.emplace(block.id, std::move(fresh_)).first->second;
    }
    // x minus the solution of H_b d = gradient, by messages along the forest.
    Vector solve_forest(const SparseSymmetric& graph, const Block& block, const Local& at) {
        const Forest& forest = forest_of(block);
        const auto size = static_cast<std::size_t>(forest.size());
        std::vector<double> diagonal(size), d(size), pivots(size);
        for (Index k = 0; k < at.size(); ++k) place_[block.members[k]] = k;
        for (std::size_t k = 0; k < size; ++k) {
            diagonal[k] = graph.diagonal[forest.nodes[k]];
            d[k] = at.gradient()[place_[forest.nodes[k]]];
        }
        Vector end = at.x();
        if (!pass_messages(forest, diagonal, d, pivots)) {
            // Semi-definite on this block: raise what keeps it from being definite.
            const double least = *std::max_element(diagonal.begin(), diagonal.end());
            for (double& v : diagonal) v += least > 0 ? 1e-10 * least : 1.0;
            for (std::size_t k = 0; k < size; ++k) d[k] = at.gradient()[place_[forest.nodes[k]]];
            if (!pass_messages(forest, diagonal, d, pivots)) return end;
        }
        for (std::size_t k = 0; k < size; ++k) end[place_[forest.nodes[k]]] -= d[k];
        return end;
    }
    const Forest& forest_of(const Block& block) {
        if (const auto known = forests_.find(block.id); block.id >= 0 && known != forests_.end()) {
            return known->second;
        }
        const std::vector<Node> nodes(block.members.begin(), block.members.end());
        forest_ = (*order_)(nodes);
        if (block.id < 0) return forest_;
        return forests_.emplace(block.id, std::move(forest_)).first->second;
    }

    Curvature curvature_;
    bool constant_, smooth_;
    Context context_;
    Index n_kept_ = 0;
    Matrix<double> fresh_;
    std::unordered_map<Index, Matrix<double>> kept_;
    std::unique_ptr<ForestOrder> order_;
    std::unordered_map<Index, Forest> forests_;
    Forest forest_;
    std::vector<Index> place_;
};

}  // namespace

std::unique_ptr<Update> make_model_update(Curvature curvature, const BlockProblem& problem,
                                          const Context& context) {
    return std::make_unique<ModelUpdate>(curvature, problem, context);
}

}  // namespace cycloid::bcd
