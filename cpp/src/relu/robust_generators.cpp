// Points deep inside robust cones. The deepest unit vector of a cone and its certificate are dual:
//
//     max_{|a| <= 1} min_k e_k x_k' a - radius |a|_q  =  min_{l in simplex} |shrink(X' E l)|
//
// where shrink is the proximal operator of radius |.|_q, and a is the direction of the shrunk
// vector. The right side is solved by accelerated projected gradients with restarts (O'Donoghue &
// Candes 2015); each iterate bounds the depth from both sides.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "cycloid/core/parallel.hpp"
#include "cycloid/relu/robust.hpp"
#include "robust_system.hpp"

namespace cycloid::relu {
namespace {

// The closest point of {l >= 0, sum l = 1}, by Michelot's algorithm.
void project_simplex(Eigen::Ref<Vector> l) {
    double threshold = (l.sum() - 1) / double(l.size());
    for (Index k = 0; k < l.size(); ++k) {
        const auto above = l.array() > threshold;
        const double next = (above.select(l.array(), 0.0).sum() - 1) / double(above.count());
        if (!(next > threshold)) break;
        threshold = next;
    }
    l = (l.array() - threshold).max(0.0);
}

// The largest eigenvalue of X X', from above but for a few percent that the margin covers.
double largest_curvature(const MatrixView& x) {
    Vector v = Vector::Ones(x.rows());
    double value = 0;
    for (int k = 0; k < 20; ++k) {
        v /= v.norm();
        const Vector image = x.transpose() * v;
        value = image.squaredNorm();
        v = x * image;
        if (!(v.norm() > 0)) break;
    }
    return 1.05 * value;
}

class GeneratorSearch {
public:
    GeneratorSearch(const MatrixView& x, const Mask& active, const Ball& ball,
                    const Context& context)
        : x_(x), active_(active), ball_(ball), context_(context) {
        const Index n = x.rows(), count = active.cols();
        curvature_ = largest_curvature(x);
        scale_ = x.rowwise().norm().maxCoeff();
        at_ = ahead_ = Matrix::Constant(n, count, 1.0 / double(n));
        momentum_.assign(count, 1.0);
        open_.resize(count);
        std::iota(open_.begin(), open_.end(), Index{0});
        found_ = Matrix::Zero(x.cols(), count);
    }

    Matrix run(Index max_iter) {
        for (Index k = 0; k < max_iter && !open_.empty() && !context_.stop(); ++k) iterate();
        return std::move(found_);
    }

private:
    double sign(Index k, Index p) const { return active_(k, p) != 0 ? 1.0 : -1.0; }

    void iterate() {
        const Index n = x_.rows(), count = std::ssize(open_);
        Matrix weighted(n, count), h, values;
        for (Index i = 0; i < count; ++i) {
            const Index p = open_[i];
            for (Index k = 0; k < n; ++k) weighted(k, i) = sign(k, p) * ahead_(k, p);
        }
        product(x_.transpose(), weighted, context_, h);
        for (Index i = 0; i < count; ++i) ball_.shrink(ball_.radius, h.col(i));
        product(x_, h, context_, values);
        std::vector<Index> open;
        for (Index i = 0; i < count; ++i) {
            if (!settled(open_[i], h.col(i), values.col(i))) {
                move(open_[i], values.col(i));
                open.push_back(open_[i]);
            }
        }
        open_ = std::move(open);
    }

    // Whether this pattern has a point, or cannot have any.
    bool settled(Index p, const Eigen::Ref<const Vector>& h,
                 const Eigen::Ref<const Vector>& values) {
        constexpr double nothing = 1e-9;  // a depth relative to the longest row
        const double bound = h.norm();
        if (bound <= nothing * scale_) return true;
        double depth = INFINITY;
        for (Index k = 0; k < values.size(); ++k) {
            depth = std::min(depth, sign(k, p) * values[k]);
        }
        depth -= ball_.radius * ball_.dual_norm(h);
        if (depth < 0.5 * bound * bound) return false;
        found_.col(p) = h / bound;
        return true;
    }

    void move(Index p, const Eigen::Ref<const Vector>& values) {
        Vector next(values.size());
        for (Index k = 0; k < next.size(); ++k) {
            next[k] = ahead_(k, p) - sign(k, p) * values[k] / curvature_;
        }
        project_simplex(next);
        const Vector step = next - at_.col(p);
        const bool uphill = (ahead_.col(p) - next).dot(step) > 0;
        const double old = uphill ? 1.0 : momentum_[p];
        momentum_[p] = 0.5 * (1 + std::sqrt(1 + 4 * old * old));
        ahead_.col(p) = next + (uphill ? 0.0 : (old - 1) / momentum_[p]) * step;
        at_.col(p) = next;
    }

    const MatrixView& x_;
    const Mask& active_;
    const Ball& ball_;
    Context context_;
    double curvature_ = 0, scale_ = 0;
    Matrix at_, ahead_;  // n x P: l, and the point where gradients are taken
    std::vector<double> momentum_;
    std::vector<Index> open_;
    Matrix found_;
};

}  // namespace

Patterns robust_generators(const MatrixView& x, const Mask& active, const Ball& ball,
                           Index max_iter, const Context& context) {
    const Matrix found = GeneratorSearch(x, active, ball, context).run(max_iter);
    std::vector<Index> kept;
    for (Index p = 0; p < found.cols(); ++p) {
        if (found.col(p).squaredNorm() > 0) kept.push_back(p);
    }
    return {active(Eigen::all, kept), found(Eigen::all, kept)};
}

}  // namespace cycloid::relu
