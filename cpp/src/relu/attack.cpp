#include "cycloid/relu/attack.hpp"

#include <algorithm>
#include <cmath>

#include "cycloid/core/parallel.hpp"
#include "cycloid/core/random.hpp"
#include "margin_function.hpp"

namespace cycloid::relu {

std::vector<MarginFunction> margin_functions(const Network& network, Index label) {
    if (network.a.rows() == 1) {
        const auto sign = static_cast<double>(label);
        return {{sign * network.a.row(0).transpose(), sign * network.c[0]}};
    }
    std::vector<MarginFunction> out;
    for (Index j = 0; j < network.a.rows(); ++j) {
        if (j == label) continue;
        out.push_back({(network.a.row(label) - network.a.row(j)).transpose(),
                       network.c[label] - network.c[j]});
    }
    return out;
}

double margin_of(const std::vector<MarginFunction>& margins, const Vector& neurons, Index* which) {
    double least = INFINITY;
    for (Index j = 0; j < std::ssize(margins); ++j) {
        const double value = margins[j].weights.dot(neurons.cwiseMax(0.0)) + margins[j].constant;
        if (value < least) {
            least = value;
            if (which != nullptr) *which = j;
        }
    }
    return least;
}

namespace {

class Descent {
public:
    Descent(const Network& network, const Ball& ball, const AttackOptions& options)
        : network_(network), ball_(ball), options_(options) {}

    // Moves x, and returns the margin there.
    double run(Vector& x, Index label, Random random) const {
        const std::vector<MarginFunction> margins = margin_functions(network_, label);
        const Vector centre = x;
        Vector best = x;
        double least = margin_of(margins, network_.u.transpose() * x, nullptr);
        for (int restart = 0; restart < options_.restarts; ++restart) {
            x = centre;
            if (restart > 0) scatter(x, random);
            for (int k = 0; k < options_.steps; ++k) {
                const Vector neurons = network_.u.transpose() * x;
                Index which = 0;
                const double value = margin_of(margins, neurons, &which);
                if (value < least) least = value, best = x;
                const Vector gradient =
                    network_.u * (neurons.array() > 0).select(margins[which].weights, 0.0).matrix();
                // From half the ball's radius to a fiftieth.
                const double share = 0.5 * std::pow(0.04, double(k) / options_.steps);
                step(x, gradient, share * ball_.radius);
                project(x, centre);
            }
            const double value = margin_of(margins, network_.u.transpose() * x, nullptr);
            if (value < least) least = value, best = x;
        }
        x = best;
        return least;
    }

private:
    void scatter(Vector& x, Random& random) const {
        const Vector centre = x;
        for (Index i = 0; i < ball_.columns; ++i) {
            x[i] += ball_.radius * (2 * random.uniform() - 1);
        }
        project(x, centre);
    }

    // Down the gradient, as far as the norm's steepest direction allows.
    void step(Vector& x, const Vector& gradient, double length) const {
        const auto g = gradient.head(ball_.columns);
        if (ball_.norm == Norm::Linf) {
            x.head(ball_.columns) -= length * g.cwiseSign();
        } else if (const double size = g.norm(); size > 0) {
            x.head(ball_.columns) -= length / size * g;
        }
    }

    void project(Vector& x, const Vector& centre) const {
        Vector move = (x - centre).head(ball_.columns);
        if (ball_.norm == Norm::Linf) {
            move = move.cwiseMax(-ball_.radius).cwiseMin(ball_.radius);
        } else if (const double size = move.norm(); size > ball_.radius) {
            move *= ball_.radius / size;
        }
        // A sample outside the limits may stay where it is.
        const auto origin = centre.head(ball_.columns);
        x.head(ball_.columns) = (origin + move)
                                    .cwiseMax(origin.cwiseMin(options_.low))
                                    .cwiseMin(origin.cwiseMax(options_.high));
    }

    const Network& network_;
    const Ball& ball_;
    const AttackOptions& options_;
};

}  // namespace

AttackResult attack(const MatrixView& x, const Labels& labels, const Network& network,
                    const Ball& ball, const AttackOptions& options, const Context& context) {
    const Index n = x.rows();
    AttackResult out{x, Vector::Constant(n, NAN)};
    const Descent descent(network, ball, options);
    const double work = double(x.size()) * double(network.u.cols() + 1) * options.steps;
    parallel_for(context.team(work), n, [&](Index k) {
        if (context.stop()) return;
        Vector at = x.row(k);
        out.margin[k] = descent.run(at, labels.of[k],
                                    Random(options.seed, static_cast<std::uint64_t>(k) << 32));
        out.x.row(k) = at;
    });
    return out;
}

}  // namespace cycloid::relu
