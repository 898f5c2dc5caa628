#include <algorithm>
#include <cmath>
#include <numeric>

#include "cycloid/bcd/block_selection.hpp"

namespace cycloid::bcd {
namespace {

// The largest eigenvalue of H, by power iteration; within a percent or so is enough.
double largest_eigenvalue(const BlockProblem& problem, const Vector& scale,
                          const Context& context) {
    Vector v(problem.size()), product;
    // A start that is orthogonal to nothing in particular, the same on each run.
    for (Index i = 0; i < v.size(); ++i) v[i] = 1 + 0.5 * std::sin(double(i + 1));
    double value = 0;
    for (int round = 0; round < 50 && !context.stop(); ++round) {
        const double size = v.norm();
        if (!(size > 0)) break;
        v /= size;
        problem.multiply(scale.cwiseProduct(v), product);
        product = product.cwiseProduct(scale);
        const double before = value;
        value = v.dot(product);
        if (std::fabs(value - before) < 1e-3 * value) break;
        v = product;
    }
    return value;
}

class HardThresholding final : public Selection {
public:
    HardThresholding(Index count, const BlockProblem& problem, const Context& context)
        : count_(std::min(count, problem.size())),
          root_(problem.lipschitz().cwiseSqrt()),
          context_(context) {
        const double floor = root_.maxCoeff() > 0 ? 1e-6 * root_.maxCoeff() : 1.0;
        root_ = root_.cwiseMax(floor);
        eigenvalue_ = 1.02 * largest_eigenvalue(problem, Vector::Ones(problem.size()), context);
        order_.resize(static_cast<std::size_t>(problem.size()));
    }

    void next(BlockProblem& problem, Block& block) override {
        const Vector& g = problem.gradient();
        const double step = eigenvalue_ > 0 ? 1 / eigenvalue_ : 1.0;
        Vector d = -g.cwiseQuotient(root_), product;
        for (int round = 0; round < rounds && !context_.stop(); ++round) {
            problem.multiply(d, product);
            Vector moved = d - step * (g + product);
            keep_largest(moved);
            const bool still = (moved - d).norm() <= 1e-10 * d.norm();
            d.swap(moved);
            if (still) break;
        }
        keep_largest(d);
        block.members.assign(order_.begin(), order_.begin() + count_);
        std::sort(block.members.begin(), block.members.end());
    }

private:
    static constexpr int rounds = 10;

    // Leaves the largest entries, whose indices stand first in order_ then.
    void keep_largest(Vector& d) {
        std::iota(order_.begin(), order_.end(), Index{0});
        const auto larger = [&](Index i, Index j) {
            const double a = std::fabs(d[i]), b = std::fabs(d[j]);
            return a != b ? a > b : i < j;
        };
        std::nth_element(order_.begin(), order_.begin() + count_ - 1, order_.end(), larger);
        for (std::size_t k = static_cast<std::size_t>(count_); k < order_.size(); ++k) {
            d[order_[k]] = 0;
        }
    }

    Index count_;
    Vector root_;
    Context context_;
    double eigenvalue_ = 0;
    std::vector<Index> order_;
};

}  // namespace

std::unique_ptr<Selection> make_hard_thresholding(Index count, const BlockProblem& problem,
                                                  const Context& context) {
    return std::make_unique<HardThresholding>(count, problem, context);
}

}  // namespace cycloid::bcd
