// The loss inside the interior-point method, through its conjugate: slopes A = dL/dZ strictly
// inside the conjugate's domain, and the residual of z = dL*(A).
//
// With s = a / weight every separable loss but the logistic one has the conjugate
// s y + bend s^2 / 2 on [low, high]; bounds get multipliers, so
//     z = y + bend a / weight + multiplier(high) - multiplier(low).
// With the logistic loss and softmax, z less the multipliers is the logit of probabilities in A,
// and softmax has a multiplier theta for their sum. Their domains would need no multipliers, but
// while z and A are far apart these keep the probabilities from the boundary.
#pragma once

#include "cycloid/relu/loss.hpp"

namespace cycloid::relu {

struct BoundPair {  // one entry a sample and output
    Matrix low, high;
};

class LossPair {
public:
    explicit LossPair(const Loss& loss);

    // A inside the domain, for predictions z of a constant model; then A times a factor below one,
    // and multipliers for complementarity products of size `mu`.
    void start(const Matrix& z);
    void shrink(double factor, double mu);

    const Matrix& slopes() const { return a_; }
    Index pairs() const { return pairs_; }      // of bounds and multipliers
    double complementarity() const;             // sum of their products
    bool row_sums() const { return softmax_; }  // each sample's slopes sum to zero

    // Linear model dz = compliance o da - (what residual returns) around A and predictions z.
    void linearize(const Matrix& z);
    const Matrix& compliance() const { return compliance_; }
    // Right-hand sides for products that are to become `mu`, then the residual for them.
    void centre(double mu, BoundPair& target) const;
    void residual(const BoundPair& target, Matrix& out) const;
    // Multipliers' step for a step da.
    void complete(const BoundPair& target, const Matrix& da, BoundPair& out) const;
    double largest_step(const Matrix& da, const BoundPair& dm, double most) const;
    void move(double step, const Matrix& da, const BoundPair& dm);

    // target -= second-order term of a step.
    static void correct(const Matrix& da, const BoundPair& dm, BoundPair& target);
    // Products after a step, mapped by `outliers` and added to the target.
    template <class Function>
    void recentre(double step, const Matrix& da, const BoundPair& dm, const Function& outliers,
                  BoundPair& target) const {
        for (Index i = 0; i < a_.size(); ++i) {
            const double a = a_(i) + step * da(i);
            if (has_low(i)) {
                target.low(i) += outliers((a - low_(i)) * (multiplier_.low(i) + step * dm.low(i)));
            }
            if (has_high(i)) {
                target.high(i) +=
                    outliers((high_(i) - a) * (multiplier_.high(i) + step * dm.high(i)));
            }
        }
    }

private:
    bool entropic() const { return softmax_ || logistic_; }
    bool has_low(Index i) const { return low_(i) > -INFINITY; }
    bool has_high(Index i) const { return high_(i) < INFINITY; }
    void linearize_quadratic(const Matrix& z);
    void linearize_logistic(const Matrix& z);
    void linearize_softmax(const Matrix& z);

    const Loss& loss_;
    bool softmax_, logistic_;
    double bend_ = 0;  // of the conjugate
    Index pairs_ = 0;
    Matrix a_, low_, high_;  // bounds of the slopes a
    BoundPair multiplier_;
    Matrix compliance_, residual_;
};

}  // namespace cycloid::relu
