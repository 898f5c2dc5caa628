// Iterative hard thresholding for the GSQ rule with variable blocks. It works on sqrt(L_i) d_i, so
// that units of coordinates do not matter and the matrix has a unit diagonal, and starts from the
// best dense step along the gradient: that ranks as GSD does, less what other coordinates explain.
// (Starting from zero gives GSD itself or worse; see bench/block_rules.py.)
#include <algorithm>
#include <cmath>
#include <numeric>

#include "cycloid/bcd/block_selection.hpp"

namespace cycloid::bcd {
namespace {

class HardThresholding final : public Selection {
public:
    HardThresholding(Index count, BlockProblem& problem, const Context& context)
        : count_(std::min(count, problem.size())),
          scale_(problem.lipschitz().cwiseSqrt()),
          context_(context),
          order_(static_cast<std::size_t>(problem.size())) {
        // A coordinate without curvature must not become infinite.
        const double floor = scale_.maxCoeff() > 0 ? 1e-6 * scale_.maxCoeff() : 1.0;
        scale_ = scale_.cwiseMax(floor).cwiseInverse();
        step_ = 1 / (1.02 * std::max(largest_eigenvalue(problem), 1.0));
    }

    void next(BlockProblem& problem, Block& block) override {
        const Vector g = scale_.cwiseProduct(problem.gradient());
        Vector product;
        multiply(problem, g, product);
        const double curvature = g.dot(product);
        Vector d = -(curvature > 0 ? g.squaredNorm() / curvature : 1.0) * g;
        for (int round = 0; round < rounds && !context_.stop(); ++round) {
            multiply(problem, d, product);
            Vector moved = d - step_ * (g + product);
            keep_largest(moved);
            const bool still = (moved - d).norm() <= 1e-10 * d.norm();
            d.swap(moved);
            if (still) break;
        }
        block.members.assign(order_.begin(), order_.begin() + count_);
        std::sort(block.members.begin(), block.members.end());
    }

private:
    static constexpr int rounds = 10;

    void multiply(const BlockProblem& problem, const Vector& d, Vector& out) const {
        problem.multiply(scale_.cwiseProduct(d), out);
        out = out.cwiseProduct(scale_);
    }
    // By power iteration: within a percent or so is enough. It starts from the gradient, which is
    // orthogonal to nothing in particular and follows the coordinates' order and units.
    double largest_eigenvalue(BlockProblem& problem) const {
        Vector v = scale_.cwiseProduct(problem.gradient()), product;
        double value = 0;
        for (int round = 0; round < 50 && !context_.stop(); ++round) {
            const double size = v.norm();
            if (!(size > 0)) break;
            v /= size;
            multiply(problem, v, product);
            const double before = value;
            value = v.dot(product);
            if (!(std::fabs(value - before) > 1e-3 * value)) break;
            v = product;
        }
        return value;
    }
    // Leaves the largest entries, whose indices stand first in order_ then.
    void keep_largest(Vector& d) {
        std::iota(order_.begin(), order_.end(), Index{0});
        const auto larger = [&](Index i, Index j) {
            const double a = std::fabs(d[i]), b = std::fabs(d[j]);
            return a != b ? a > b : i < j;
        };
        std::nth_element(order_.begin(), order_.begin() + count_ - 1, order_.end(), larger);
        for (auto k = static_cast<std::size_t>(count_); k < order_.size(); ++k) {
            d[order_[k]] = 0;
        }
    }

    Index count_;
    Vector scale_;  // 1 / sqrt(L_i)
    Context context_;
    double step_ = 1;
    std::vector<Index> order_;
};

}  // namespace

std::unique_ptr<Selection> make_hard_thresholding(Index count, BlockProblem& problem,
                                                  const Context& context) {
    return std::make_unique<HardThresholding>(count, problem, context);
}

}  // namespace cycloid::bcd
