// Anderson extrapolation of coordinate descent (Bertrand & Massias 2021, "Anderson acceleration of
// coordinate descent", AISTATS).
#pragma once

#include <Eigen/Core>

#include "cycloid/core/cholesky.hpp"

namespace cycloid::bcd {

// Keeps iterates x_0 .. x_window of a fixed-point iteration, each with an affine function of it,
// and combines the last `window`, with weights of sum one, so that the same combination of the
// steps x_k - x_{k-1} is as short as can be.
class Anderson {
public:
    using Vector = Eigen::Ref<const Eigen::VectorXd>;
    static constexpr Eigen::Index window = 5;

    void forget() { count_ = 0; }

    void remember(const Vector& iterate, const Vector& image) {
        if (count_ == 0) {
            iterates_.resize(iterate.size(), window + 1);
            images_.resize(image.size(), window + 1);
        }
        iterates_.col(count_) = iterate;
        images_.col(count_) = image;
        ++count_;
    }

    // Once window + 1 iterates are there: writes the combination, forgets them, and returns whether
    // it is finite.
    bool extrapolate(Eigen::VectorXd& iterate, Eigen::VectorXd& image) {
        if (count_ <= window) return false;
        forget();
        const Eigen::MatrixXd steps = iterates_.rightCols(window) - iterates_.leftCols(window);
        Eigen::MatrixXd gram = steps.transpose() * steps;
        cholesky(gram, 1e-13, {});
        Eigen::VectorXd weights = Eigen::VectorXd::Ones(window);
        cholesky_solve(gram, weights);
        weights /= weights.sum();
        if (!weights.allFinite()) return false;
        iterate.noalias() = iterates_.rightCols(window) * weights;
        image.noalias() = images_.rightCols(window) * weights;
        return true;
    }

private:
    Eigen::Index count_ = 0;
    Eigen::MatrixXd iterates_, images_;
};

}  // namespace cycloid::bcd
