#include "greedy_selection.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "cycloid/bcd/forest.hpp"
#include "cycloid/bcd/score_heap.hpp"
#include "cycloid/core/cholesky.hpp"
#include "cycloid/core/random.hpp"

namespace cycloid::bcd {
namespace {

// The score of one coordinate, larger than zero unless it is at its minimum.
class CoordinateScore {
public:
    CoordinateScore(Rule rule, bool variable, const BlockProblem& problem)
        : rule_(rule), separable_(problem.separable()), curvature_(problem.lipschitz()) {
        if (rule == Rule::GSL && variable) curvature_ = problem.diagonal_bound();
        const double largest = curvature_.maxCoeff();
        // No coordinate is quite free: the decrease along it stays finite.
        const double least = largest > 0 ? 1e-12 * largest : 1.0;
        curvature_ = curvature_.cwiseMax(least);
        if (rule == Rule::GSr || rule == Rule::GSq)
            curvature_.setConstant(std::max(largest, least));
        if (rule == Rule::GaussSouthwell || (rule == Rule::GSL && !variable)) curvature_.setOnes();
    }

    double operator()(Index i, double g, double x) const {
        switch (rule_) {
            case Rule::GaussSouthwell:
            case Rule::GSL:
            case Rule::GSD:
                return g * g / curvature_[i];
            case Rule::GSs:
                return square(separable_.at(i).violation(g, x));
            case Rule::GSr:
                return square(step(i, g, x));
            case Rule::GSLr:
                return curvature_[i] * square(step(i, g, x));
            default:
                break;
        }
        const double d = step(i, g, x);
        const double change = g * d + 0.5 * curvature_[i] * d * d + separable_.at(i).change(x, d);
        return std::max(-change, 0.0);
    }

private:
    static double square(double v) { return v * v; }
    double step(Index i, double g, double x) const {
        return separable_.at(i).prox(x - g / curvature_[i], curvature_[i]) - x;
    }

    Rule rule_;
    const Separable& separable_;
    Vector curvature_;
};

class Greedy final : public Selection {
public:
    Greedy(Rule rule, const Partition& partition, BlockProblem& problem)
        : rule_(rule),
          partition_(partition),
          score_(rule, !partition.fixed(), problem),
          count_(partition.fixed() ? 1 : partition.block_size) {
        if (!partition.fixed()) return;
        unit_of_.resize(static_cast<std::size_t>(problem.size()));
        for (const Block& block : partition.blocks) {
            for (const Index i : block.members) unit_of_[i] = block.id;
        }
        if (rule == Rule::GSL) keep_lipschitz(problem);
        if (rule == Rule::GSQ) keep_factors(problem);
    }

    void next(BlockProblem& problem, Block& block) override {
        const Vector& gradient = problem.gradient();
        const Vector& x = problem.x();
        if (problem.local()) {
            if (heap_.size() == 0) {
                heap_.assign(all_scores(gradient, x));
            } else {
                refresh(problem.touched(), gradient, x);
            }
            heap_.largest(count_, best_);
        } else {
            choose(all_scores(gradient, x));
        }
        if (partition_.fixed()) {
            block = partition_.blocks[best_.front()];
        } else {
            block.members = best_;
            std::sort(block.members.begin(), block.members.end());
        }
    }

private:
    double unit_score(Index unit, const Vector& gradient, const Vector& x) {
        if (!partition_.fixed()) return score_(unit, gradient[unit], x[unit]);
        const std::vector<Index>& members = partition_.blocks[unit].members;
        if (rule_ == Rule::GSQ) {
            Vector g(std::ssize(members));
            for (Index k = 0; k < g.size(); ++k) g[k] = gradient[members[k]];
            Vector solved = g;
            cholesky_solve(factors_[unit], solved);
            return g.dot(solved);
        }
        double sum = 0;
        for (const Index i : members) sum += score_(i, gradient[i], x[i]);
        return rule_ == Rule::GSL ? sum / lipschitz_[unit] : sum;
    }
    std::vector<double> all_scores(const Vector& gradient, const Vector& x) {
        const Index count = partition_.fixed() ? std::ssize(partition_.blocks) : gradient.size();
        std::vector<double> scores(static_cast<std::size_t>(count));
        for (Index unit = 0; unit < count; ++unit) scores[unit] = unit_score(unit, gradient, x);
        return scores;
    }
    void refresh(std::span<const Index> touched, const Vector& gradient, const Vector& x) {
        // Beyond that many it is cheaper to build the heap anew.
        if (8 * std::ssize(touched) > heap_.size() && !partition_.fixed()) {
            heap_.assign(all_scores(gradient, x));
            return;
        }
        changed_.clear();
        for (const Index i : touched) changed_.push_back(partition_.fixed() ? unit_of_[i] : i);
        std::sort(changed_.begin(), changed_.end());
        changed_.erase(std::unique(changed_.begin(), changed_.end()), changed_.end());
        for (const Index unit : changed_) heap_.change(unit, unit_score(unit, gradient, x));
    }
    void choose(const std::vector<double>& scores) {
        best_.resize(scores.size());
        std::iota(best_.begin(), best_.end(), Index{0});
        const auto better = [&](Index i, Index j) {
            return scores[i] != scores[j] ? scores[i] > scores[j] : i < j;
        };
        const Index count = std::min(count_, std::ssize(best_));
        std::nth_element(best_.begin(), best_.begin() + count - 1, best_.end(), better);
        best_.resize(static_cast<std::size_t>(count));
    }
    void keep_lipschitz(BlockProblem& problem) {
        for (const Block& block : partition_.blocks) {
            const double l = block_lipschitz(problem, block.members);
            lipschitz_.push_back(l > 0 ? l : 1.0);
        }
    }
    void keep_factors(BlockProblem& problem) {
        for (const Block& block : partition_.blocks) {
            factors_.emplace_back();
            problem.hessian(block.members, Curvature::Bound, factors_.back());
            cholesky(factors_.back(), 1e-10, {});
        }
    }

    Rule rule_;
    const Partition& partition_;
    CoordinateScore score_;
    Index count_;
    std::vector<Index> unit_of_, best_, changed_;
    std::vector<double> lipschitz_;
    std::vector<Matrix<double>> factors_;
    ScoreHeap heap_;
};

class ForestGrower final : public Selection {
public:
    ForestGrower(Rule rule, BlockProblem& problem, std::uint64_t seed)
        : rule_(rule),
          score_(rule, true, problem),
          random_(seed),
          scores_(static_cast<std::size_t>(problem.size())) {}

    void next(BlockProblem& problem, Block& block) override {
        const Vector& gradient = problem.gradient();
        for (Index i = 0; i < problem.size(); ++i) {
            scores_[i] =
                rule_ == Rule::Random ? random_.uniform() : score_(i, gradient[i], problem.x()[i]);
        }
        const std::vector<Node> nodes = greedy_forest(*problem.graph(), descending(scores_));
        block.members.assign(nodes.begin(), nodes.end());
        block.forest = true;
    }

private:
    Rule rule_;
    CoordinateScore score_;
    Random random_;
    std::vector<double> scores_;
};

}  // namespace

std::unique_ptr<Selection> make_greedy(Rule rule, const Partition& partition,
                                       BlockProblem& problem) {
    return std::make_unique<Greedy>(rule, partition, problem);
}

std::unique_ptr<Selection> make_forest_grower(Rule rule, BlockProblem& problem,
                                              std::uint64_t seed) {
    if (rule == Rule::Cyclic || rule == Rule::Lipschitz || rule == Rule::GSQ) {
        throw std::invalid_argument(
            "greedy forests grow by a score of each coordinate: take random, gs, gsl, gsd");
    }
    return std::make_unique<ForestGrower>(rule, problem, seed);
}

}  // namespace cycloid::bcd
