// The quadratic model of a block with kinks and bounds, solved exactly: coordinate descent finds
// the faces, Newton's method finishes on each.
#include <algorithm>
#include <cmath>
#include <tuple>

#include "cycloid/bcd/block_update.hpp"
#include "cycloid/core/cholesky.hpp"

namespace cycloid::bcd {
namespace {

class Model {
public:
    // v starts at x.
    Model(const Matrix<double>& hessian, const Vector& gradient, const Vector& x,
          const std::vector<Kink>& kinks, Vector& v, const Context& context)
        : h_(hessian.selfadjointView<Eigen::Lower>()),
          gradient_(gradient),
          x_(x),
          kinks_(kinks),
          v_(v),
          slope_(gradient),
          context_(context) {
        const double largest = h_.diagonal().maxCoeff();
        h_.diagonal() = h_.diagonal().cwiseMax(largest > 0 ? 1e-12 * largest : 1.0);
    }

    void minimize() {
        constexpr int most_rounds = 100;
        const double target = 1e-11 * violation();
        for (int round = 0; round < most_rounds && !context_.stop(); ++round) {
            for (int sweep = 0; sweep < 2; ++sweep) descend();
            if (violation() <= target) return;
            // Each clipped step puts a coordinate at its kink, so there are at most so many.
            for (Index k = 0; k < v_.size() && !newton(); ++k) {
            }
            slope_.noalias() = gradient_ + h_ * (v_ - x_);  // without what rounding has gathered
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
    // To the minimum over the coordinates that are free, clipped at their kinks if that goes
    // downhill, else to the first kink on the way. True where nothing was in the way.
    bool newton() {
        free_.clear();
        for (Index i = 0; i < v_.size(); ++i) {
            if (kinks_[i].inside(v_[i])) free_.push_back(i);
        }
        const Index count = std::ssize(free_);
        if (count == 0) return true;
        Matrix<double> system(count, count);
        Vector slope(count), low(count), high(count), v(count);
        for (Index a = 0; a < count; ++a) {
            const Index i = free_[a];
            for (Index b = a; b < count; ++b) system(b, a) = h_(free_[b], i);
            v[a] = v_[i];
            slope[a] = slope_[i] + std::copysign(kinks_[i].l1, v[a]);
            std::tie(low[a], high[a]) = kinks_[i].orthant(0, v[a]);
        }
        Matrix<double> factor = system;
        cholesky(factor, 1e-13, context_);
        Vector step = -slope;
        cholesky_solve(factor, step);
        Vector end = (v + step).cwiseMax(low).cwiseMin(high);
        const bool whole = end == v + step;
        if (!whole) {
            const Vector way = end - v;
            const double bent = way.dot(system.selfadjointView<Eigen::Lower>() * way);
            if (slope.dot(way) + 0.5 * bent >= 0) end = first_kink(v, step, low, high);
        }
        for (Index a = 0; a < count; ++a) set(free_[a], end[a]);
        return whole;
    }
    static Vector first_kink(const Vector& v, const Vector& step, const Vector& low,
                             const Vector& high) {
        double length = 1;
        Index blocking = -1;
        for (Index a = 0; a < v.size(); ++a) {
            const double room = (step[a] < 0 ? low[a] : high[a]) - v[a];
            if (std::fabs(room) < length * std::fabs(step[a])) {
                length = room / step[a];
                blocking = a;
            }
        }
        Vector end = (v + length * step).cwiseMax(low).cwiseMin(high);
        if (blocking >= 0) end[blocking] = step[blocking] < 0 ? low[blocking] : high[blocking];
        return end;
    }

    Matrix<double> h_;
    const Vector& gradient_;
    const Vector& x_;
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
    Model(hessian, gradient, x, kinks, target, context).minimize();
}

}  // namespace cycloid::bcd
