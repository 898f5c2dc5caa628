#include "cycloid/bcd/proximal_point.hpp"

#include <algorithm>
#include <cmath>

#include "add_columns.hpp"
#include "cycloid/core/cholesky.hpp"

namespace cycloid::bcd {
namespace {

constexpr int most_outer = 100, most_inner = 60;
constexpr double rho_first = 1e-2, rho_least = 1e-11;

}  // namespace

void ProximalPoint::solve(const Matrix& gram, std::span<const Penalty> penalty, Vector b,
                          Vector slope, double tolerance, const Context& context, Effort& effort) {
    const Index m = b.size();
    double rho = rho_first, best = largest_violation(penalty, slope.data(), b.data());
    int barren = 0;
    excess_.resize(m), image_.resize(m);
    for (int outer = 0; outer < most_outer && best > tolerance; ++outer) {
        centre_ = b, c_ = b, v_ = slope;
        ridge_ = rho * gram.diagonal();
        int inner = 0;
        double violation = 0;
        for (; inner < most_inner && !context.stop(); ++inner) {
            point(gram, penalty, context);
            const Eigen::VectorXd slope_there = v_ - image_;
            violation = largest_violation(penalty, slope_there.data(), b_.data());
            // The dual gradient against the step taken: near enough to go on from here.
            const double error = image_.dot(excess_);
            const double moved = ridge_.dot((b_ - centre_).cwiseAbs2());
            if (violation <= tolerance || error <= 0.01 * moved) break;
            ++effort.newton;
            if (!newton_step(gram, penalty, context)) break;
        }
        if (context.stop()) return;
        barren = violation < 0.9 * best ? 0 : barren + 1;
        if (barren > 6) return;
        best = std::min(best, violation);
        if (!accept(penalty, b, slope) || inner > 30) {
            rho *= 10;
        } else if (inner <= 8) {
            rho = std::max(0.1 * rho, rho_least);
        }
    }
}

// Moves b to the point found if the objective falls there (up to rounding).
bool ProximalPoint::accept(std::span<const Penalty> penalty, Vector& b, Vector& slope) const {
    double change = 0, scale = 0;
    for (Index k = 0; k < b.size(); ++k) {
        const double step = b_[k] - b[k];
        if (step == 0) continue;
        const double pen = penalty[k].change(b[k], step);
        const double fit = step * (slope[k] - 0.5 * (slope[k] - v_[k] + image_[k]));
        change += pen - fit;
        scale += std::fabs(pen) + std::fabs(fit);
    }
    if (!(change <= 1e-13 * scale)) return false;
    b = b_;
    slope = v_ - image_;
    return true;
}

// The minimizer over b at the slopes v, and how far its image is from that of c.
void ProximalPoint::point(const Matrix& gram, std::span<const Penalty> penalty,
                          const Context& context) {
    const Index m = c_.size();
    b_.resize(m);
    support_.clear();
    std::vector<Index> apart;
    std::vector<double> by;
    for (Index k = 0; k < m; ++k) {
        b_[k] = penalty[k].prox(v_[k] + ridge_[k] * centre_[k], ridge_[k]);
        excess_[k] = b_[k] - c_[k];
        if (b_[k] != 0) support_.push_back(k);
        if (excess_[k] != 0) apart.push_back(k), by.push_back(excess_[k]);
    }
    image_.setZero();
    add_columns(gram, apart, by.data(), image_.data(), context);
}

// A Newton step of the dual function: a full one lands where c and b agree, if no sign changes.
bool ProximalPoint::newton_step(const Matrix& gram, std::span<const Penalty> penalty,
                                const Context& context) {
    const auto s = static_cast<Index>(support_.size());
    way_ = excess_, way_image_ = image_;
    if (s > 0) {
        if (factor_.rows() < s) factor_.resize(s + s / 4, s + s / 4);
        auto factor = factor_.topLeftCorner(s, s);
        t_.resize(s);
        for (Index c = 0; c < s; ++c) {
            const Index k = support_[c];
            const double* column = gram.col(k).data();
            for (Index r = c; r < s; ++r) factor(r, c) = column[support_[r]];
            factor(c, c) += ridge_[k] + penalty[k].l2;
            t_[c] = image_[k];
        }
        if (cholesky(factor, 1e-13, context) < 0) return false;
        cholesky_solve(factor, t_);
        t_ = -t_;
        for (Index c = 0; c < s; ++c) way_[support_[c]] += t_[c];
        add_columns(gram, support_, t_.data(), way_image_.data(), context);
    }
    const double gradient = image_.dot(way_);
    if (!(gradient > 0)) return false;
    double step = 1;
    while (rise(penalty, step) < 1e-4 * step * gradient) {
        step *= 0.5;
        if (step < 1e-6) return false;
    }
    c_ += step * way_;
    v_ -= step * way_image_;
    return true;
}

// How much the dual function rises along the way.
double ProximalPoint::rise(std::span<const Penalty> penalty, double step) const {
    double change = -step * (c_ + 0.5 * step * way_).dot(way_image_);
    for (Index k = 0; k < c_.size(); ++k) {
        const double v = v_[k] - step * way_image_[k];
        const double b = penalty[k].prox(v + ridge_[k] * centre_[k], ridge_[k]);
        const double from = b_[k] - centre_[k], to = b - centre_[k];
        change += penalty[k].change(b_[k], b - b_[k]) +
                  0.5 * ridge_[k] * (to - from) * (to + from) - v * b + v_[k] * b_[k];
    }
    return change;
}

}  // namespace cycloid::bcd
