#include "cycloid/relu/lbfgs.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace cycloid::relu {
namespace {

constexpr double sufficient_decrease = 1e-4, curvature = 0.9;
constexpr int most_trials = 30;
constexpr Index window = 10;  // iterations over which a decrease is judged

// The last steps and changes of the gradient.
class Memory {
public:
    Memory(Index dimension, Index length)
        : steps_(dimension, length), changes_(dimension, length), products_(length) {}

    void clear() { count_ = 0; }
    bool empty() const { return count_ == 0; }
    void push(const Vector& step, const Vector& change) {
        const double product = step.dot(change);
        // The weak Wolfe conditions make it positive; rounding may not.
        if (!(product > 1e-16 * step.norm() * change.norm())) return;
        const Index slot = next_;
        steps_.col(slot) = step;
        changes_.col(slot) = change;
        products_[slot] = product;
        next_ = (next_ + 1) % products_.size();
        count_ = std::min(count_ + 1, products_.size());
    }
    // -H g, by the two-loop recursion (Nocedal & Wright, algorithm 7.4).
    Vector direction(const Vector& gradient) const {
        Vector r = -gradient, factors(count_);
        const auto slot = [&](Index age) {
            return (next_ - 1 - age + products_.size()) % products_.size();
        };
        for (Index age = 0; age < count_; ++age) {
            const Index k = slot(age);
            factors[age] = steps_.col(k).dot(r) / products_[k];
            r -= factors[age] * changes_.col(k);
        }
        if (count_ > 0) r *= products_[slot(0)] / changes_.col(slot(0)).squaredNorm();
        for (Index age = count_ - 1; age >= 0; --age) {
            const Index k = slot(age);
            r += (factors[age] - changes_.col(k).dot(r) / products_[k]) * steps_.col(k);
        }
        return r;
    }

private:
    Matrix steps_, changes_;
    Vector products_;
    Index next_ = 0, count_ = 0;
};

// A point of the search line.
struct Trial {
    double length = 0, value = 0, slope = 0;
};

// Where the cubic through two values and slopes is least, kept away from both ends.
double between(const Trial& low, const Trial& high) {
    const double width = high.length - low.length;
    const double d1 = low.slope + high.slope - 3 * (high.value - low.value) / width;
    const double discriminant = d1 * d1 - low.slope * high.slope;
    double share = 0.5;
    if (discriminant >= 0) {
        const double d2 = std::sqrt(discriminant);
        share = 1 - (high.slope + d2 - d1) / (high.slope - low.slope + 2 * d2);
    }
    if (!(share >= 0.1 && share <= 0.9)) share = share < 0.1 ? 0.1 : (share > 0.9 ? 0.9 : 0.5);
    return low.length + share * width;
}

class Search {
public:
    Search(const Function& function, Vector& x, const LbfgsOptions& options, const Context& context)
        : function_(function),
          x_(x),
          options_(options),
          context_(context),
          memory_(x.size(), options.memory),
          gradient_(x.size()) {}

    LbfgsResult run() {
        out_.value = evaluate(x_, gradient_);
        if (!std::isfinite(out_.value)) return end(Status::NumericalError);
        double before = out_.value;
        for (; out_.n_iter < options_.max_iter; ++out_.n_iter) {
            if (gradient_.size() == 0 || gradient_.cwiseAbs().maxCoeff() <= options_.gradient_tol) {
                return end(Status::Converged);
            }
            if (out_.n_iter > 0 && out_.n_iter % window == 0) {
                const double scale = std::max(std::abs(out_.value), 1e-300);
                if (before - out_.value <= options_.decrease_tol * scale) {
                    return end(Status::Converged);
                }
                before = out_.value;
            }
            if (context_.stop()) return end(context_.monitor->reason());
            if (step()) continue;
            if (context_.stop()) return end(context_.monitor->reason());
            if (memory_.empty()) return end(Status::Stalled);
            memory_.clear();  // steepest descent before giving up
        }
        return end(Status::MaxIter);
    }

private:
    LbfgsResult end(Status status) {
        out_.status = status;
        return out_;
    }

    double evaluate(const Vector& at, Vector& gradient) {
        ++out_.n_evaluations;
        return function_(at, gradient);
    }

    // One step; false if no length of it lowers the value.
    bool step() {
        const Vector direction = memory_.direction(gradient_);
        Trial low{0, out_.value, gradient_.dot(direction)};
        if (!(low.slope < 0)) return false;
        const Trial start = low;
        Trial high{std::numeric_limits<double>::infinity(), 0, 0};
        double length = memory_.empty() ? 1 / std::max(1.0, direction.norm()) : 1;
        Vector point, gradient(x_.size()), best, best_gradient;
        for (int trial = 0; trial < most_trials && !context_.stop(); ++trial) {
            point = x_ + length * direction;
            const double value = evaluate(point, gradient);
            const Trial now{length, value, gradient.dot(direction)};
            const bool fine = value <= start.value + sufficient_decrease * length * start.slope &&
                              value < start.value;
            if (!fine) {  // also when it is not a number
                high = now;
            } else {
                low = now;
                best.swap(point);
                best_gradient.swap(gradient);
                gradient.resize(x_.size());
                if (now.slope >= curvature * start.slope) break;
            }
            // Rounding hides any lower value.
            if (-length * start.slope <= 1e-17 * std::abs(start.value)) break;
            if (std::isinf(high.length)) {
                length *= 4;
            } else if (std::isfinite(high.value) && std::isfinite(high.slope)) {
                length = between(low, high);
            } else {
                length = low.length + 0.1 * (high.length - low.length);
            }
        }
        if (best.size() == 0) return false;
        memory_.push(best - x_, best_gradient - gradient_);
        x_.swap(best);
        gradient_.swap(best_gradient);
        out_.value = low.value;
        return true;
    }

    const Function& function_;
    Vector& x_;
    LbfgsOptions options_;
    const Context& context_;
    Memory memory_;
    Vector gradient_;
    LbfgsResult out_;
};

}  // namespace

LbfgsResult minimise_lbfgs(const Function& function, Vector& x, const LbfgsOptions& options,
                           const Context& context) {
    return Search(function, x, options, context).run();
}

}  // namespace cycloid::relu
