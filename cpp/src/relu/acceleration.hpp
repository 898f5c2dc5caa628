// Anderson acceleration of a fixed-point iteration q <- T(q) that is nonexpansive: type II, with a
// step that is taken back where the residual grew (Zhang, O'Donoghue & Boyd, SIAM Journal on
// Optimization 30, 2020).
#pragma once

#include <Eigen/Core>
#include <cmath>

#include "cycloid/core/cholesky.hpp"
#include "cycloid/relu/loss.hpp"

namespace cycloid::relu {

class Acceleration {
public:
    Acceleration(Index window, Index period) : window_(window), period_(period) {}

    void forget() { count_ = 0, age_ = 0, tried_ = false; }

    // From q and T(q), where to go next: `next` holds T(q) and may be replaced.
    void advance(const Vector& q, Vector& next) {
        Vector residual = next - q;
        const double size = residual.norm();
        if (tried_ && !(size <= 2 * trusted_)) {  // take it back
            next = fallback_;
            forget();
            return;
        }
        tried_ = false;
        if (age_ > 0) {
            const Index at = count_++ % window_;
            if (images_.rows() != q.size()) {
                images_.resize(q.size(), window_);
                residuals_.resize(q.size(), window_);
            }
            images_.col(at) = next - last_image_;
            residuals_.col(at) = residual - last_residual_;
        }
        last_image_ = next;
        last_residual_ = std::move(residual);
        ++age_;
        if (count_ < window_ || age_ % period_ != 0) return;
        Matrix gram = residuals_.transpose() * residuals_;
        gram.diagonal().array() += 1e-12 * gram.trace();
        cholesky(gram, 1e-15, {});
        Vector weights = residuals_.transpose() * last_residual_;
        cholesky_solve(gram, weights);
        if (!weights.allFinite()) return;
        fallback_ = next;
        trusted_ = size;
        tried_ = true;
        next.noalias() -= images_ * weights;
    }

private:
    Index window_, period_, count_ = 0, age_ = 0;
    bool tried_ = false;
    double trusted_ = 0;
    Vector last_image_, last_residual_, fallback_;
    Matrix images_, residuals_;
};

}  // namespace cycloid::relu
