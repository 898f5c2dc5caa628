// Bounds of min { w' max(U' x, 0) + c : x in the ball }. Over the ball a neuron t lies between l
// and h. Where l < 0 < h, w max(t, 0) is at least
//
//     s t                       for any s in [0, w]      where w > 0
//     w h (t - l) / (h - l)     (its chord)              where w < 0
//     s t                       for any s <= w           in the branch t >= 0
//     s t                       for any s >= 0           in the branch t <= 0
//
// so that every choice of s gives a bound by a linear function of x, concave in s, which projected
// subgradient steps raise; the branches' slopes hold the multipliers of their constraints (Wang et
// al., NeurIPS 2021). The linear function's own minimiser is a move worth trying.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include "cycloid/core/parallel.hpp"
#include "margin_function.hpp"

namespace cycloid::relu {
namespace {

enum class Side : std::int8_t { Open, Active, Inactive };

struct Node {
    std::vector<Side> sides;
    Vector slopes;
    double bound = -INFINITY;
    Index branch = -1;  // the neuron whose relaxation costs most
};

class WorstMargin {
public:
    WorstMargin(const Network& network, const Ball& ball, const Vector& x,
                const MarginFunction& margin)
        : network_(network),
          ball_(ball),
          x_(x),
          margin_(margin),
          neurons_(network.u.transpose() * x) {
        const Index m = neurons_.size();
        low_.resize(m), high_.resize(m);
        for (Index j = 0; j < m; ++j) {
            const double reach = ball.radius * ball.dual_norm(network.u.col(j));
            low_[j] = neurons_[j] - reach;
            high_[j] = neurons_[j] + reach;
        }
        upper = value_at(x);
    }

    void search(Index max_nodes, const Context& context) {
        std::vector<Node> open(1);
        open[0].sides.resize(neurons_.size(), Side::Open);
        for (Index j = 0; j < neurons_.size(); ++j) {
            if (low_[j] >= 0) open[0].sides[j] = Side::Active;
            if (high_[j] <= 0) open[0].sides[j] = Side::Inactive;
        }
        open[0].slopes = (neurons_.array() > 0).select(margin_.weights, 0.0);
        raise(open[0]);
        const auto better = [](const Node& a, const Node& b) { return a.bound > b.bound; };
        lower = open[0].bound;
        for (Index k = 1; k + 1 < max_nodes && lower <= 0 && upper > 0 && !context.stop(); k += 2) {
            std::pop_heap(open.begin(), open.end(), better);
            Node worst = std::move(open.back());
            open.pop_back();
            if (worst.branch < 0) {  // nothing left to decide, but the bound may still rise
                const double before = worst.bound;
                raise(worst);
                const bool risen = worst.bound > before + 1e-6 * std::fabs(before);
                lower = open.empty() ? worst.bound : std::min(worst.bound, open.front().bound);
                if (!risen) break;
                open.push_back(std::move(worst));
                std::push_heap(open.begin(), open.end(), better);
                continue;
            }
            for (const Side side : {Side::Active, Side::Inactive}) {
                Node child = worst;
                child.sides[worst.branch] = side;
                raise(child);
                child.bound = std::max(child.bound, worst.bound);
                open.push_back(std::move(child));
                std::push_heap(open.begin(), open.end(), better);
            }
            lower = open.front().bound;
        }
        lower = std::min(lower, upper);
    }

    double lower = -INFINITY, upper = INFINITY;

private:
    bool stable(Index j) const { return low_[j] >= 0 || high_[j] <= 0; }

    double value_at(const Vector& x) const {
        return margin_.weights.dot((network_.u.transpose() * x).cwiseMax(0.0)) + margin_.constant;
    }

    // The slopes that a node allows.
    std::array<double, 2> range(const Node& node, Index j) const {
        const double w = margin_.weights[j];
        if (node.sides[j] == Side::Active) return {stable(j) ? w : -INFINITY, w};
        if (node.sides[j] == Side::Inactive) return {0.0, stable(j) ? 0.0 : INFINITY};
        if (w > 0) return {0.0, w};
        const double chord = w * high_[j] / (high_[j] - low_[j]);
        return {chord, chord};
    }

    void raise(Node& node) {
        constexpr int most = 40;
        const Index m = neurons_.size();
        Vector slopes = node.slopes, least(m), most_slope(m);
        double constant = margin_.constant;
        bool free = false;
        for (Index j = 0; j < m; ++j) {
            const auto [from, to] = range(node, j);
            least[j] = from, most_slope[j] = to;
            free = free || least[j] < most_slope[j];
            const double w = margin_.weights[j];
            if (node.sides[j] == Side::Open && w < 0) constant -= least[j] * low_[j];
        }
        const double before = node.bound;
        node.bound = -INFINITY;
        Vector best = slopes, mean = Vector::Zero(x_.size());
        double length = 1;  // of a step; Polyak's is too long where the bound cannot reach `upper`
        for (int k = 0; k < most; ++k) {
            slopes = slopes.cwiseMax(least).cwiseMin(most_slope);
            const Vector b = network_.u * slopes;
            const double bound =
                slopes.dot(neurons_) + constant - ball_.radius * ball_.dual_norm(b);
            const Vector move = steepest(b);
            mean += (move - mean) / double(k + 1);
            upper = std::min({upper, value_at(x_ + move), value_at(x_ + mean)});
            if (bound > node.bound) {
                node.bound = bound, best = slopes;
            } else {
                length *= 0.8;
            }
            if (!free || node.bound > 0 || upper <= 0) break;
            // Polyak's step towards what cannot be exceeded.
            Vector gradient = neurons_ + network_.u.transpose() * move;
            for (Index j = 0; j < m; ++j) {
                const bool blocked =
                    gradient[j] > 0 ? slopes[j] >= most_slope[j] : slopes[j] <= least[j];
                if (blocked) gradient[j] = 0;
            }
            const double size = gradient.squaredNorm();
            if (!(size > 0)) break;
            slopes += length * (upper - bound) / size * gradient;
        }
        node.bound = std::max(node.bound, before);
        node.slopes = best;
        choose_branch(node);
    }

    // Where the neuron and its linear bound are furthest apart at the bound's own minimiser.
    void choose_branch(Node& node) const {
        const Vector b = network_.u * node.slopes;
        const Vector neurons = neurons_ + network_.u.transpose() * steepest(b);
        double widest = -1;
        node.branch = -1;
        for (Index j = 0; j < neurons_.size(); ++j) {
            if (node.sides[j] != Side::Open) continue;
            const double w = margin_.weights[j], t = neurons[j];
            if (w == 0) continue;
            const double bound = node.slopes[j] * (w < 0 ? t - low_[j] : t);
            const double apart = w * std::max(t, 0.0) - bound;
            if (apart > widest) widest = apart, node.branch = j;
        }
    }

    // The move within the ball that lowers b'x most.
    Vector steepest(const Vector& b) const {
        Vector move = Vector::Zero(b.size());
        const auto part = b.head(ball_.columns);
        if (ball_.norm == Norm::Linf) {
            move.head(ball_.columns) = -ball_.radius * part.cwiseSign();
        } else if (const double size = part.norm(); size > 0) {
            move.head(ball_.columns) = -ball_.radius / size * part;
        }
        return move;
    }

    const Network& network_;
    const Ball& ball_;
    const Vector& x_;
    const MarginFunction& margin_;
    Vector neurons_, low_, high_;
};

}  // namespace

Certificate certify(const MatrixView& x, const Labels& labels, const Network& network,
                    const Ball& ball, const CertificateOptions& options, const Context& context) {
    const Index n = x.rows();
    Certificate out{Vector::Constant(n, INFINITY), Vector::Constant(n, INFINITY)};
    const double work = 40 * double(x.size()) * double(network.u.cols() + 1);
    parallel_for(context.team(work), n, [&](Index k) {
        const Vector row = x.row(k);
        for (const MarginFunction& margin : margin_functions(network, labels.of[k])) {
            WorstMargin worst(network, ball, row, margin);
            worst.search(options.max_nodes, context);
            out.lower[k] = std::min(out.lower[k], worst.lower);
            out.upper[k] = std::min(out.upper[k], worst.upper);
        }
    });
    return out;
}

}  // namespace cycloid::relu
