// Robust patterns that need no search: hyperplanes through gaps of the data.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <unordered_set>

#include "cycloid/relu/robust.hpp"

namespace cycloid::relu {
namespace {

class GapPatterns {
public:
    GapPatterns(const MatrixView& x, const Ball& ball) : x_(x), ball_(ball) {}

    // Both sides of each hyperplane across the direction that stays clear of every ball.
    void add(const Vector& direction, Index most) {
        const Index n = x_.rows(), p = ball_.columns;
        const double bias = x_(0, p), reach = ball_.radius * ball_.dual_norm(direction);
        const Vector t = x_.leftCols(p) * direction.head(p);
        std::vector<Index> order(static_cast<std::size_t>(n));
        std::iota(order.begin(), order.end(), Index{0});
        std::sort(order.begin(), order.end(), [&](Index i, Index j) { return t[i] < t[j]; });
        struct Gap {
            double width, middle;
        };
        std::vector<Gap> gaps;
        for (Index i = 1; i < n; ++i) {
            const double below = t[order[i - 1]], above = t[order[i]];
            const double width = above - below - 2 * reach;
            if (width > 1e-9 * (std::fabs(above) + std::fabs(below) + reach)) {
                gaps.push_back({width, below + 0.5 * (above - below)});
            }
        }
        std::sort(gaps.begin(), gaps.end(),
                  [](const Gap& a, const Gap& b) { return a.width > b.width; });
        for (Index i = 0; i < std::min<Index>(most, std::ssize(gaps)); ++i) {
            Vector a = Vector::Zero(x_.cols());
            a.head(p) = direction.head(p);
            a[p] = -gaps[i].middle / bias;
            keep(a);
            keep(-a);
        }
    }

    void keep(const Vector& a) {
        const Vector t = x_ * a;
        std::string key(static_cast<std::size_t>(t.size()), '0');
        for (Index k = 0; k < t.size(); ++k) key[k] = t[k] >= 0 ? '1' : '0';
        if (!known_.insert(key).second) return;
        keys_.push_back(std::move(key));
        points_.emplace_back(a / a.norm());
    }

    Patterns take() const {
        const Index n = x_.rows(), count = std::ssize(points_);
        Patterns out{Mask(n, count), Matrix(x_.cols(), count)};
        for (Index b = 0; b < count; ++b) {
            out.generators.col(b) = points_[b];
            for (Index k = 0; k < n; ++k) out.active(k, b) = keys_[b][k] == '1' ? 1 : 0;
        }
        return out;
    }

private:
    const MatrixView& x_;
    const Ball& ball_;
    std::unordered_set<std::string> known_;
    std::vector<std::string> keys_;
    std::vector<Vector> points_;
};

}  // namespace

Patterns gap_patterns(const MatrixView& x, const MatrixView& directions, const Ball& ball,
                      Index most, const Context& context) {
    GapPatterns patterns(x, ball);
    const Index p = ball.columns;
    if (p < x.cols() && x(0, p) != 0 && (x.col(p).array() == x(0, p)).all()) {
        Vector all = Vector::Zero(x.cols());
        all[p] = x(0, p);
        patterns.keep(all);
        for (Index j = 0; j < directions.cols() && !context.stop(); ++j) {
            if (directions.col(j).head(p).squaredNorm() > 0) patterns.add(directions.col(j), most);
        }
    }
    return patterns.take();
}

}  // namespace cycloid::relu
