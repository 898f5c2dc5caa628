// The quadratic model of a block with kinks and bounds, solved exactly: coordinate descent finds
// the faces, Newton's method finishes on each.
#include <algorithm>
#include <cmath>
#include <limits>

#include "cycloid/bcd/block_update.hpp"
#include "cycloid/core/cholesky.hpp"

namespace cycloid::bcd {
namespace {

class Model {
public:
    Model(const Matrix<double>& hessian, const Vector& gradient, const std::vector<Kink>& kinks,
          Vector& v, const Context& context)
        : h_(hessian.selfadjointView<Eigen::Lower>()),
          kinks_(kinks),
          v_(v),
          slope_(gradient),
          context_(context) {
        const double largest = h_.diagonal().maxCoeff();
        h_.diagonal() = h_.diagonal().cwiseMax(largest > 0 ? 1e-12 * largest : 1.0);
    }

    void minimize() {
        constexpr int most_rounds = 200;
        const double target = 1e-12 * std::max(violation(), std::numeric_limits<double>::min());
        for (int round = 0; round < most_rounds && !context_.stop(); ++round) {
            for (int sweep = 0; sweep < 3; ++sweep) descend();
            if (violation() <= target) return;
            // Each blocked step puts a coordinate at its kink, so there are at most so many.
            for (Index k = 0; k < v_.size() && !newton(); ++k) {
            }
            if (violation() <= target) return;
        }
    }

private:
    void descend() {
        for (Index i = 0; i < v_.size(); ++i) {
            const double moved = kinks_[i].prox(v_[i] - slope_[i] / h_(i, i), h_(i, i));
            set(i, moved);
        }
    }
    void set(Index i, double value) {
        const double step = value - v_[i];
        if (step == 0) return;
        slope_ += step * h_.col(i);
        v_[i] = value;
    }
    double violation() const {
        double worst = 0;
        for (Index i = 0; i < v_.size(); ++i) {
            worst = std::max(worst, kinks_[i].violation(slope_[i], v_[i]));
        }
        return worst;
    }
    // A step to the minimum over the coordinates that are free, or to the first kink on the way.
    // True unless it was blocked.
    bool newton() {
        free_.clear();
        for (Index i = 0; i < v_.size(); ++i) {
            if (kinks_[i].inside(v_[i])) free_.push_back(i);
        }
        const Index count = std::ssize(free_);
        if (count == 0) return true;
        Matrix<double> system(count, count);
        Vector step(count);
        for (Index a = 0; a < count; ++a) {
            const Index i = free_[a];
            for (Index b = a; b < count; ++b) system(b, a) = h_(free_[b], i);
            step[a] = -slope_[i] - std::copysign(kinks_[i].l1, v_[i]);
        }
        cholesky(system, 1e-13, context_);
        cholesky_solve(system, step);
        double length = 1;
        Index blocking = -1;
        for (Index a = 0; a < count; ++a) {
            const auto [low, high] = kinks_[free_[a]].orthant(0, v_[free_[a]]);
            const double end = step[a] < 0 ? low : high, room = end - v_[free_[a]];
            if (std::fabs(room) < length * std::fabs(step[a])) {
                length = room / step[a];
                blocking = a;
            }
        }
        for (Index a = 0; a < count; ++a) {
            const auto [low, high] = kinks_[free_[a]].orthant(0, v_[free_[a]]);
            const double end = step[a] < 0 ? low : high;
            const double value = v_[free_[a]] + length * step[a];
            set(free_[a], a == blocking ? end : std::min(std::max(value, low), high));
        }
        return blocking < 0;
    }

    Matrix<double> h_;
    const std::vector<Kink>& kinks_;
    Vector& v_;
    Vector slope_;  // of the smooth part at v
    Context context_;
    std::vector<Index> free_;
};

}  // namespace

void minimize_block_model(const Matrix<double>& hessian, const Vector& gradient, const Vector& x,
                          const std::vector<Kink>& kinks, Vector& target, const Context& context) {
    target = x;
    Model(hessian, gradient, kinks, target, context).minimize();
}

}  // namespace cycloid::bcd
