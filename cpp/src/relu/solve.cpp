#include "cycloid/relu/solve.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "block_subset.hpp"
#include "cycloid/relu/admm.hpp"
#include "cycloid/relu/cones.hpp"
#include "cycloid/relu/interior_point.hpp"

namespace cycloid::relu {
namespace {

constexpr double near_boundary = 0.95;  // of alpha: such blocks may still become nonzero
constexpr double meaningful = 1e-2;     // gap below which ADMM's zeros are believed
constexpr Index least_admm = 500;       // iterations
constexpr double largest_system = 15000;

class Hybrid {
public:
    Hybrid(const Program& program, const SolveOptions& options, const Context& context)
        : program_(program), options_(options), context_(context), cones_(program, context) {
        for (Index b = 0; b < program.blocks.count(); ++b) {
            for (Index other = 0; other <= b; ++other) {
                if (!twins(b, other)) continue;
                unit_.push_back(other);
                break;
            }
        }
    }

    Solution run(const Point* warm) {
        AdmmOptions admm;
        admm.tol = options_.tol;
        const bool has_interior = system_size() <= largest_system;
        admm.max_iter =
            has_interior ? std::min(admm_budget(), options_.max_iter) : options_.max_iter;
        best_ = solve_admm(program_, admm, warm, context_);
        if (done() || !has_interior || exhausted()) return std::move(best_);
        interior_point();
        if (done() || exhausted()) return std::move(best_);
        admm.max_iter = options_.max_iter - best_.n_iter;
        const Point from = best_.point;
        append(solve_admm(program_, admm, &from, context_));
        return std::move(best_);
    }

private:
    // One pattern, and one direction up to sign.
    bool twins(Index a, Index b) const {
        const Blocks& blocks = program_.blocks;
        return blocks.pattern[a] == blocks.pattern[b] &&
               (blocks.direction.col(a) == blocks.direction.col(b) ||
                blocks.direction.col(a) == -blocks.direction.col(b));
    }

    double units() const {
        double count = 0;
        for (Index b = 0; b < std::ssize(unit_); ++b) count += unit_[b] == b ? 1 : 0;
        return count;
    }

    double system_size() const {
        const Matrix& g = program_.blocks.direction;
        const bool apart = ((g.array() != 0).colwise().count() == 1).all();
        return double(program_.x.rows()) * (apart ? 1.0 : double(g.rows()));
    }

    // As many iterations as take the time of the interior point, by counts of multiplications.
    Index admm_budget() const {
        const double n = double(program_.x.rows()), d = double(program_.x.cols());
        const double outputs = double(program_.loss.outputs()), count = double(unit_.size());
        const double systems = program_.loss.kind() == LossKind::Softmax ? 3 : 1;
        const double interior = 20 * (n * d * d * count / 2 + units() * d * n * n / 8 +
                                      systems * outputs * n * n * n / 6);
        const double admm = 2 * n * d * count + outputs * n * n;
        return std::max(least_admm, static_cast<Index>(0.7 * interior / admm));
    }

    double gap() const {
        return (best_.objective - best_.lower_bound) / std::fabs(best_.objective);
    }
    bool done() {
        if (gap() <= options_.tol) best_.status = Status::Converged;
        const bool stopped = context_.monitor != nullptr && context_.monitor->stopped();
        return stopped || best_.status == Status::Converged;
    }

    bool exhausted() const { return best_.n_iter >= options_.max_iter; }

    // On the blocks that may be nonzero, each with its twins, which cost little. Then the others
    // are looked at, and those that turn out to matter come back.
    void interior_point() {
        const Vector norms = support(best_.point.dual);
        std::vector<char> kept(unit_.size(), gap() > meaningful ? 1 : 0);
        for (Index b = 0; b < norms.size(); ++b) {
            if (norms[b] >= near_boundary * program_.alpha || best_.point.v.col(b).norm() > 0) {
                kept[unit_[b]] = 1;
            }
        }
        for (bool added = true; added;) {
            std::vector<Index> blocks;
            for (Index b = 0; b < norms.size(); ++b) {
                if (kept[unit_[b]] != 0) blocks.push_back(b);
            }
            if (blocks.empty()) return;
            const Vector outside = improve(blocks);
            if (done() || exhausted()) return;
            added = false;
            for (Index b = 0; b < norms.size(); ++b) {
                if (kept[unit_[b]] != 0 || outside[b] <= program_.alpha) continue;
                kept[unit_[b]] = 1;
                added = true;
            }
        }
    }

    // For each block the largest -A'F v over v in its cone, |v| <= 1.
    Vector support(const Matrix& slopes) {
        Matrix x;
        adjoint(program_, slopes, context_, x);
        x = -x;
        cones_.project(x, program_.alpha);
        return x.colwise().norm().transpose();
    }

    // The interior point on some blocks, then a bound for all, and the support of all.
    Vector improve(const std::vector<Index>& kept) {
        const BlockSubset subset(program_, kept);
        const Program part = subset.program();
        InteriorPointOptions interior;
        interior.tol = 0.5 * options_.tol;  // the bound of all blocks may be lower
        interior.max_iter = std::min(interior.max_iter, options_.max_iter - best_.n_iter);
        Solution found = solve_interior_point(part, interior, context_);
        const Vector outside = support(found.point.dual);
        subset.embed(found, program_.gated ? Matrix() : cones_.multipliers(), context_);
        append(std::move(found));
        return outside;
    }

    // Takes what is better.
    void append(Solution found) {
        best_.n_iter += found.n_iter;
        best_.status = found.status;
        if (found.objective < best_.objective) {
            best_.objective = found.objective;
            best_.point.v = std::move(found.point.v);
            best_.point.c = found.point.c;
        }
        if (found.lower_bound > best_.lower_bound) {
            best_.lower_bound = found.lower_bound;
            best_.point.dual = std::move(found.point.dual);
            best_.point.cone_multipliers = std::move(found.point.cone_multipliers);
        }
        const double seconds = context_.monitor != nullptr ? context_.monitor->seconds() : 0;
        best_.trace.push(
            {static_cast<double>(best_.n_iter), seconds, best_.objective, best_.lower_bound});
    }

    const Program& program_;
    const SolveOptions& options_;
    const Context& context_;
    Cones cones_;
    std::vector<Index> unit_;  // of a block: the first of its twins
    Solution best_;
};

}  // namespace

Solution solve_program(const Program& program, const SolveOptions& options, const Point* warm,
                       const Context& context) {
    return Hybrid(program, options, context).run(warm);
}

}  // namespace cycloid::relu
