#include <functional>
#include <limits>

#include "check.hpp"
#include "cycloid/core/random.hpp"
#include "cycloid/relu/loss.hpp"

using cycloid::Index;
using cycloid::Random;
using namespace cycloid::relu;

namespace {

constexpr Index n = 70;  // more than one piece of the vectorized loops

struct Case {
    LossKind kind;
    double parameter;
    Index outputs;
};
const std::vector<Case> all{{LossKind::Squared, 0, 2}, {LossKind::Logistic, 0, 2},
                            {LossKind::Hinge, 0, 2},   {LossKind::SquaredHinge, 0, 1},
                            {LossKind::Huber, 0.7, 2}, {LossKind::Quantile, 0.3, 1},
                            {LossKind::Softmax, 0, 4}};

Matrix uniform(Index rows, Index columns, double size, std::uint64_t seed) {
    Random random(seed);
    return Matrix::NullaryExpr(rows, columns, [&] { return size * (2 * random.uniform() - 1); });
}

Matrix targets_of(const Case& c) {
    Matrix y = uniform(n, c.outputs, 2, 1);
    if (c.kind == LossKind::Softmax) {
        for (Index k = 0; k < n; ++k) {
            Index best = 0;
            y.row(k).maxCoeff(&best);
            y.row(k).setZero();
            y(k, best) = 1;
        }
    } else if (c.kind == LossKind::Logistic || c.kind == LossKind::Hinge ||
               c.kind == LossKind::SquaredHinge) {
        y = y.unaryExpr([](double v) { return v > 0 ? 1.0 : -1.0; });
    }
    return y;
}

Vector weights_of() {
    Vector w = uniform(n, 1, 1, 7).cwiseAbs();
    w[3] = 0;
    return w / w.sum();
}

void for_each_loss(const std::function<void(const Loss&)>& body) {
    const Vector w = weights_of();
    for (const Case& c : all) {
        body(*make_loss(c.kind, targets_of(c), w.data(), c.parameter));
        body(*make_loss(c.kind, targets_of(c), nullptr, c.parameter));
    }
}

// The definitions, once more and plainly.
double plain_value(const Loss& loss, const Matrix& z) {
    double total = 0;
    for (Index k = 0; k < n; ++k) {
        double value = 0;
        for (Index j = 0; j < loss.outputs(); ++j) {
            const double y = loss.targets()(k, j), r = y - z(k, j), m = 1 - y * z(k, j);
            const double delta = loss.parameter();
            switch (loss.kind()) {
                case LossKind::Squared:
                    value += r * r / 2;
                    break;
                case LossKind::Logistic:
                    value += std::log1p(std::exp(-y * z(k, j)));
                    break;
                case LossKind::Hinge:
                    value += m > 0 ? m : 0;
                    break;
                case LossKind::SquaredHinge:
                    value += m > 0 ? m * m : 0;
                    break;
                case LossKind::Huber:
                    value += std::abs(r) <= delta ? r * r / 2 : delta * (std::abs(r) - delta / 2);
                    break;
                case LossKind::Quantile:
                    value += r > 0 ? delta * r : (delta - 1) * r;
                    break;
                case LossKind::Softmax:
                    value -= y * z(k, j);
            }
        }
        if (loss.kind() == LossKind::Softmax) value += std::log(z.row(k).array().exp().sum());
        total += loss.weights()[k] * value;
    }
    return total;
}

}  // namespace

TEST_CASE("relu loss: values are the definitions") {
    for_each_loss([](const Loss& loss) {
        const Matrix z = uniform(n, loss.outputs(), 3, 2);
        CHECK_CLOSE(loss.value(z), plain_value(loss, z), 1e-14);
    });
}

TEST_CASE("relu loss: gradients and curvatures are differences") {
    for_each_loss([](const Loss& loss) {
        const Matrix z = uniform(n, loss.outputs(), 3, 3);
        Matrix slope, bend, above, below;
        loss.gradient(z, slope);
        loss.curvature(z, bend);
        const double step = 1e-5;
        for (const Index k : {Index{0}, Index{3}, Index{64}, n - 1}) {
            for (Index j = 0; j < loss.outputs(); ++j) {
                Matrix up = z, down = z;
                up(k, j) += step;
                down(k, j) -= step;
                CHECK_CLOSE(slope(k, j) * n, (loss.value(up) - loss.value(down)) / (2 * step) * n,
                            1e-6);
                loss.gradient(up, above);
                loss.gradient(down, below);
                double expected = bend(k, j);
                if (loss.kind() == LossKind::Softmax && loss.weights()[k] > 0) {
                    expected -= bend(k, j) * bend(k, j) / loss.weights()[k];
                }
                CHECK_CLOSE(expected * n, (above(k, j) - below(k, j)) / (2 * step) * n, 1e-6);
            }
        }
    });
}

TEST_CASE("relu loss: Fenchel's equality at gradients, inequality elsewhere") {
    for_each_loss([](const Loss& loss) {
        const Matrix z = uniform(n, loss.outputs(), 3, 4);
        Matrix a;
        loss.gradient(z, a);
        const double value = loss.value(z);
        CHECK_CLOSE(value + loss.conjugate(a), a.cwiseProduct(z).sum(), 1e-13);
        for (const double scale : {0.0, 0.4, 0.9}) {
            const Matrix shrunk = scale * a;
            CHECK(value + loss.conjugate(shrunk) >= shrunk.cwiseProduct(z).sum() - 1e-13);
        }
        if (loss.kind() != LossKind::Squared) {
            const Matrix outside = -3 * a;
            const bool infinite = std::isinf(loss.conjugate(outside));
            CHECK(infinite || loss.kind() == LossKind::Huber);
        }
    });
}

TEST_CASE("relu loss: prox points are optimal") {
    for_each_loss([](const Loss& loss) {
        for (const double step : {0.1, 30.0, 1e5}) {
            const Matrix start = uniform(n, loss.outputs(), 5, 5);
            Matrix z = start;
            loss.prox(step, z);
            // (start - z) / step is a subgradient of L at z: Fenchel's equality.
            Matrix a = (start - z) / step;
            loss.to_domain(a, false);  // rounding may have led it out
            CHECK((a - (start - z) / step).norm() < 1e-12);
            const double gap = loss.value(z) + loss.conjugate(a) - a.cwiseProduct(z).sum();
            CHECK(std::abs(gap) < 1e-10);
            CHECK((z.row(3) - start.row(3)).norm() < 1e-12 || loss.weights()[3] > 0);
        }
    });
}

TEST_CASE("relu loss: the best intercept leaves no slope") {
    for_each_loss([](const Loss& loss) {
        const Matrix z = uniform(n, loss.outputs(), 3, 6);
        const RowVector best = loss.best_intercept(z);
        const auto at = [&](const RowVector& c) { return loss.value(z.rowwise() + c); };
        for (Index j = 0; j < loss.outputs(); ++j) {
            for (const double step : {1e-4, 1e-2, 1.0}) {
                const RowVector move = step * RowVector::Unit(loss.outputs(), j);
                CHECK(at(best) <= at(best + move) + 1e-14);
                CHECK(at(best) <= at(best - move) + 1e-14);
            }
        }
    });
}

TEST_CASE("relu loss: centred slopes sum to zero and stay in the domain") {
    for_each_loss([](const Loss& loss) {
        const Matrix z = uniform(n, loss.outputs(), 3, 8);
        Matrix a;
        loss.gradient(z, a);
        a *= 0.9;
        loss.to_domain(a, true);
        CHECK(a.colwise().sum().cwiseAbs().maxCoeff() < 1e-14);
        CHECK(std::isfinite(loss.conjugate(a)));
        Matrix again = a;
        loss.to_domain(again, true);
        CHECK((again - a).norm() < 1e-12);
        Matrix wild = uniform(n, loss.outputs(), 3, 10);
        for (const bool centred : {false, true}) {
            loss.to_domain(wild, centred);
            CHECK(std::isfinite(loss.conjugate(wild)));
        }
    });
}

TEST_CASE("relu loss: huge predictions and one class only stay finite") {
    for_each_loss([](const Loss& loss) {
        Matrix z = uniform(n, loss.outputs(), 1e8, 9), slope;
        CHECK(std::isfinite(loss.value(z)));
        loss.gradient(z, slope);
        CHECK(slope.allFinite());
        loss.prox(10, z);
        CHECK(z.allFinite());
    });
    const auto one = make_loss(LossKind::Logistic, Matrix::Ones(n, 1), nullptr, 0);
    CHECK(one->best_intercept(Matrix::Zero(n, 1)).allFinite());
    Matrix first = Matrix::Zero(n, 3);
    first.col(0).setOnes();
    const auto softmax = make_loss(LossKind::Softmax, first, nullptr, 0);
    CHECK(softmax->best_intercept(Matrix::Zero(n, 3)).allFinite());
}
