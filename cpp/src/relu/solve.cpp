#include "cycloid/relu/solve.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "cycloid/relu/admm.hpp"
#include "cycloid/relu/cones.hpp"
#include "cycloid/relu/interior_point.hpp"

namespace cycloid::relu {
namespace {

constexpr double rough = 1e-3;          // what ADMM reaches quickly
constexpr double near_boundary = 0.95;  // of alpha: such blocks may still become nonzero

class Hybrid {
public:
    Hybrid(const Program& program, const SolveOptions& options, const Context& context)
        : program_(program), options_(options), context_(context), cones_(program, context) {}

    Solution run(const Point* warm) {
        AdmmOptions admm;
        admm.tol = std::max(options_.tol, rough);
        admm.max_iter = options_.max_iter;
        best_ = solve_admm(program_, admm, warm, context_);
        if (interrupted() || certified()) return std::move(best_);
        Vector norms = support(best_.point.dual);
        std::vector<char> kept(norms.size());
        for (Index b = 0; b < norms.size(); ++b) {
            kept[b] = norms[b] >= near_boundary * program_.alpha || best_.point.v.col(b).norm() > 0;
        }
        if (std::getenv("RELU_DEBUG")) { Index nz=0,k[5]={}; for (Index b=0;b<norms.size();++b){ nz+=best_.point.v.col(b).norm()>0; int i=0; for(double f:{.8,.9,.95,.99,.999}) k[i++]+=norms[b]>=f*program_.alpha;} std::fprintf(stderr,"blocks %td nonzero %td  norms>.8 %td .9 %td .95 %td .99 %td .999 %td\n",norms.size(),nz,k[0],k[1],k[2],k[3],k[4]);}
        while (!certified()) {
            const std::vector<Index> blocks = indices(kept);
            if (!improve(blocks)) break;
            bool added = false;
            for (Index b = 0; b < norms.size(); ++b) {
                if (kept[b] == 0 && last_norms_[b] > program_.alpha) kept[b] = added = true;
            }
            if (!added) break;
        }
        return std::move(best_);
    }

private:
    bool certified() {
        if (best_.objective - best_.lower_bound > options_.tol * std::fabs(best_.objective)) {
            return false;
        }
        best_.status = Status::Converged;
        return true;
    }
    bool interrupted() const {
        return context_.monitor != nullptr && context_.monitor->stopped();
    }

    static std::vector<Index> indices(const std::vector<char>& kept) {
        std::vector<Index> blocks;
        for (Index b = 0; b < std::ssize(kept); ++b) {
            if (kept[b] != 0) blocks.push_back(b);
        }
        return blocks;
    }

    // For each block the largest -A'F v over v in its cone, |v| <= 1.
    Vector support(const Matrix& slopes) {
        Matrix x;
        adjoint(program_, slopes, context_, x);
        x = -x;
        cones_.project(x, program_.alpha);
        return x.colwise().norm().transpose();
    }

    // The interior point on some blocks, then a bound for all. False where that is the end.
    bool improve(const std::vector<Index>& kept) {
        Blocks blocks;
        for (const Index b : kept) blocks.pattern.push_back(program_.blocks.pattern[b]);
        blocks.direction = program_.blocks.direction(Eigen::all, kept);
        const Program part{program_.x,     program_.loss,      program_.patterns, blocks,
                           program_.alpha, program_.intercept, program_.gated};
        InteriorPointOptions interior;
        interior.tol = 0.5 * options_.tol;
        Solution solution = solve_interior_point(part, interior, context_);
        take(solution, kept);
        return !interrupted();
    }

    void take(Solution& solution, const std::vector<Index>& kept) {
        best_.status = solution.status;
        best_.n_iter += solution.n_iter;
        if (solution.objective < best_.objective) {
            best_.objective = solution.objective;
            best_.point.v.setZero();
            best_.point.v(Eigen::all, kept) = solution.point.v;
            best_.point.c = solution.point.c;
        }
        last_norms_ = support(solution.point.dual);
        Matrix multipliers;
        if (!program_.gated) {
            multipliers = cones_.multipliers();
            multipliers(Eigen::all, kept) = solution.point.cone_multipliers;
        }
        const double bound =
            make_feasible(program_, solution.point.dual, multipliers, context_);
        if (bound > best_.lower_bound) {
            best_.lower_bound = bound;
            best_.point.dual = std::move(solution.point.dual);
            best_.point.cone_multipliers = std::move(multipliers);
        }
        const double seconds = context_.monitor != nullptr ? context_.monitor->seconds() : 0;
        best_.trace.push({static_cast<double>(best_.n_iter), seconds, best_.objective,
                          best_.lower_bound});
    }

    const Program& program_;
    const SolveOptions& options_;
    const Context& context_;
    Cones cones_;
    Vector last_norms_;
    Solution best_;
};

}  // namespace

Solution solve_program(const Program& program, const SolveOptions& options, const Point* warm,
                       const Context& context) {
    return Hybrid(program, options, context).run(warm);
}

}  // namespace cycloid::relu
