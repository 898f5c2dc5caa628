#include <array>

#include "check.hpp"
#include "cycloid/relu/attack.hpp"
#include "cycloid/relu/robust.hpp"
#include "relu_problem.hpp"

using namespace cycloid;
using namespace cycloid::relu;
using relu_problem::gaussian;
using relu_problem::signed_blocks;

namespace {

// Two features and a bias; targets of an exclusive or.
struct Data {
    explicit Data(Index n) : x(n, 3), y(n, 1) {
        x << gaussian(n, 2, 1), Matrix::Ones(n, 1);
        for (Index k = 0; k < n; ++k) y(k, 0) = x(k, 0) * x(k, 1) > 0 ? 1 : -1;
    }
    Matrix x, y;
};

constexpr std::array norms{Norm::L2, Norm::Linf};
constexpr std::array kinds{LossKind::Squared, LossKind::Logistic, LossKind::Hinge,
                           LossKind::SquaredHinge};

// The largest loss of a network over the corners of the ball around each row.
double worst_over_corners(const Program& program, const Network& network, double radius) {
    double total = 0;
    Matrix z(program.x.rows(), 1), worst = Matrix::Constant(program.x.rows(), 1, -INFINITY);
    const Index n = program.x.rows();
    for (int corner = 0; corner < 4; ++corner) {
        Matrix moved = program.x;
        moved.col(0).array() += (corner & 1) != 0 ? radius : -radius;
        moved.col(1).array() += (corner & 2) != 0 ? radius : -radius;
        z = (moved * network.u).cwiseMax(0.0) * network.a.transpose();
        z.rowwise() += network.c;
        for (Index k = 0; k < n; ++k) {
            Vector alone = Vector::Zero(n);
            alone[k] = 1;
            const auto loss =
                make_loss(program.loss.kind(), program.loss.targets(), alone.data(), 0);
            worst(k, 0) = std::max(worst(k, 0), loss->value(z));
        }
    }
    for (Index k = 0; k < n; ++k) total += program.loss.weights()[k] * worst(k, 0);
    return total + 0.5 * program.alpha * (network.u.squaredNorm() + network.a.squaredNorm());
}

}  // namespace

TEST_CASE("robust: the value is the network's worst case over all corners, and is closed in on") {
    const Data data(12);
    const Ball ball{0.1, Norm::Linf, 2};
    const Patterns patterns = gap_patterns(data.x, gaussian(3, 4, 2), ball, 1, {});
    CHECK(patterns.count() > 5);
    const Blocks blocks = signed_blocks(patterns.count(), 1);
    for (const LossKind kind : kinds) {
        const auto loss = make_loss(kind, data.y, nullptr, 0);
        const Program program{data.x, *loss, patterns, blocks, 0.02};
        Monitor monitor;
        const Solution solved =
            solve_robust(RobustProgram(program, ball), {}, {1e-4, 20000}, monitor, 1);
        CHECK(solved.status == Status::Converged);
        CHECK(solved.lower_bound <= solved.objective);
        CHECK(solved.objective - solved.lower_bound <= 1e-4 * solved.objective);
        const Network network = recover(program, solved.point);
        CHECK_CLOSE(worst_over_corners(program, network, ball.radius), solved.objective, 1e-9);
        const Matrix margins = robust_margins(data.x, patterns.active(Eigen::all, blocks.pattern),
                                              solved.point.v, ball, {});
        CHECK(margins.minCoeff() > -1e-12);
    }
}

TEST_CASE("robust: every dual point gives a bound below every feasible point") {
    const Data data(12);
    for (const Norm norm : norms) {
        const Ball ball{0.05, norm, 2};
        const Patterns patterns = gap_patterns(data.x, gaussian(3, 20, 3), ball, 2, {});
        const Blocks blocks = signed_blocks(patterns.count(), 1);
        for (const LossKind kind : kinds) {
            const auto loss = make_loss(kind, data.y, nullptr, 0);
            const Program program{data.x, *loss, patterns, blocks, 0.05};
            const RobustProgram robust(program, ball);
            const Matrix margins =
                robust_margins(data.x, patterns.active, patterns.generators, ball, {});
            for (std::uint64_t seed = 10; seed < 20; ++seed) {
                Matrix v = gaussian(3, blocks.count(), seed), products = data.x * v;
                robust_lift(robust, margins, v, products, {});
                CHECK((products - data.x * v).norm() < 1e-10);
                const double objective =
                    robust.objective(v, RowVector::Constant(1, 0.1), products, {});
                RobustDual dual{0.1 * gaussian(12, 1, seed + 1).col(0),
                                0.01 * gaussian(2, robust.groups(), seed + 2),
                                0.01 * gaussian(12, blocks.count(), seed + 3).cwiseAbs()};
                CHECK(robust_bound(robust, dual, {}) <= objective + 1e-12);
            }
        }
    }
}

TEST_CASE("robust: without a radius it is the plain program") {
    const Data data(15);
    const Ball ball{0, Norm::Linf, 2};
    const Patterns patterns = gap_patterns(data.x, gaussian(3, 4, 4), ball, 1, {});
    const Blocks blocks = signed_blocks(patterns.count(), 1);
    const auto loss = make_loss(LossKind::Logistic, data.y, nullptr, 0);
    const Program program{data.x, *loss, patterns, blocks, 0.02};
    Monitor monitor;
    const Solution solved =
        solve_robust(RobustProgram(program, ball), {}, {1e-4, 20000}, monitor, 1);
    CHECK(solved.status == Status::Converged);
    Matrix dual = solved.point.dual, none;
    CHECK(make_feasible(program, dual, none, {}) <= solved.objective);
    CHECK_CLOSE(network_objective(program, recover(program, solved.point)), solved.objective,
                1e-10);
}

TEST_CASE("robust: generators are deep in cones that have an interior, and only there") {
    for (const Norm norm : norms) {
        const Ball ball{0.1, norm, 2};
        const Data data(10);
        const Patterns gaps = gap_patterns(data.x, gaussian(3, 30, 5), ball, 2, {});
        Mask active(10, gaps.count() + 1);
        active << gaps.active, gaps.active.col(1);
        const Patterns found = robust_generators(data.x, active, ball, 20000, {});
        CHECK(found.count() == active.cols());
        const Matrix deep = robust_margins(data.x, found.active, found.generators, ball, {});
        const Matrix known = robust_margins(data.x, gaps.active, gaps.generators, ball, {});
        for (Index p = 0; p < gaps.count(); ++p) {
            CHECK(deep.col(p).minCoeff() > 0);
            CHECK(deep.col(p).minCoeff() >= 0.5 * known.col(p).minCoeff() - 1e-12);
        }
    }
    // Two rows closer than two radii cannot be told apart.
    Matrix x(2, 2);
    x << 0, 1, 0.15, 1;
    Mask active(2, 1);
    active << 0, 1;
    CHECK(robust_generators(x, active, {0.07, Norm::Linf, 1}, 20000, {}).count() == 1);
    CHECK(robust_generators(x, active, {0.08, Norm::Linf, 1}, 20000, {}).count() == 0);
}

TEST_CASE("robust: the local search finds neurons with robust patterns") {
    const Data data(25);
    const Ball ball{0.05, Norm::Linf, 2};
    const auto loss = make_loss(LossKind::Hinge, data.y, nullptr, 0);
    const Network network = search_robust(data.x, *loss, 0.01, true, ball, 20, 300, 0, {});
    const Mask active = ((data.x * network.u).array() > 0).cast<std::uint8_t>();
    CHECK(robust_generators(data.x, active, ball, 5000, {}).count() > 0);
}

TEST_CASE("attack: never below the certificate, and it meets it in two dimensions") {
    const Data data(30);
    const Network network{gaussian(3, 8, 6), gaussian(1, 8, 7), RowVector::Constant(1, 0.2)};
    Labels labels;
    for (Index k = 0; k < 30; ++k) labels.of.push_back(data.y(k, 0) > 0 ? 1 : -1);
    for (const Norm norm : norms) {
        const Ball ball{0.2, norm, 2};
        const Certificate proved = certify(data.x, labels, network, ball, {2000}, {});
        const AttackResult found = attack(data.x, labels, network, ball, {}, {});
        CHECK((found.margin - proved.lower).minCoeff() > -1e-12);
        CHECK((proved.upper - proved.lower).minCoeff() >= 0);
        CHECK(((proved.lower.array() > 0) == (found.margin.array() > 0)).all());
        for (Index k = 0; k < 30; ++k) {
            const Vector move = (found.x.row(k) - data.x.row(k)).transpose();
            CHECK(ball.norm == Norm::L2 ? move.norm() < 0.2 + 1e-12
                                        : move.lpNorm<Eigen::Infinity>() < 0.2 + 1e-12);
            CHECK(move[2] == 0);
        }
    }
}

TEST_CASE("certify: exact where no neuron changes sign") {
    const Data data(20);
    const Ball ball{0.01, Norm::Linf, 2};
    const Patterns patterns = gap_patterns(data.x, gaussian(3, 20, 8), ball, 1, {});
    const Network network{patterns.generators, gaussian(1, patterns.count(), 9),
                          RowVector::Zero(1)};
    const Labels labels{std::vector<Index>(20, 1)};
    const Certificate proved = certify(data.x, labels, network, ball, {1}, {});
    for (Index k = 0; k < 20; ++k) {
        double least = INFINITY;
        for (int corner = 0; corner < 4; ++corner) {
            RowVector row = data.x.row(k);
            row[0] += (corner & 1) != 0 ? 0.01 : -0.01;
            row[1] += (corner & 2) != 0 ? 0.01 : -0.01;
            least = std::min(least, (row * network.u).cwiseMax(0.0).dot(network.a.row(0)));
        }
        CHECK_CLOSE(proved.lower[k], least, 1e-12);
        CHECK_CLOSE(proved.upper[k], least, 1e-12);
    }
}
