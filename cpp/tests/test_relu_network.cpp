#include "check.hpp"
#include "cycloid/relu/lbfgs.hpp"
#include "cycloid/relu/network.hpp"
#include "cycloid/relu/normal.hpp"

using cycloid::Context;
using cycloid::Index;
using cycloid::Monitor;
using cycloid::Status;
using namespace cycloid::relu;

namespace {

const Context serial{};

Network some_network(Index d, Index outputs, Index m, std::uint64_t seed) {
    Network network = random_network(d, outputs, m, seed);
    network.c = normal_matrix(1, outputs, seed + 9);
    return network;
}

double plain_objective(const Matrix& x, const Loss& loss, double alpha, const Network& network) {
    Matrix z(x.rows(), network.a.rows());
    for (Index k = 0; k < x.rows(); ++k) {
        for (Index o = 0; o < z.cols(); ++o) {
            z(k, o) = network.c[o];
            for (Index j = 0; j < network.u.cols(); ++j) {
                z(k, o) += std::max(0.0, x.row(k).dot(network.u.col(j))) * network.a(o, j);
            }
        }
    }
    return loss.value(z) + alpha / 2 * (network.u.squaredNorm() + network.a.squaredNorm());
}

}  // namespace

TEST_CASE("relu network: value and gradient against plain loops and differences") {
    const Index n = 700, d = 4, m = 5, outputs = 2;  // more than one piece of samples
    const Matrix x = normal_matrix(n, d, 1), y = normal_matrix(n, outputs, 2);
    const auto loss = make_loss(LossKind::Squared, y, nullptr, 0);
    NetworkObjective objective(x, *loss, 0.3, true);
    const Network at = some_network(d, outputs, m, 3);
    Network slope, moved, ignored;
    const double value = objective.value(at, slope, serial);
    CHECK_CLOSE(value, plain_objective(x, *loss, 0.3, at), 1e-13);
    CHECK_CLOSE(value, objective.value(at, serial), 1e-14);
    const auto difference = [&](auto change) {
        constexpr double step = 1e-7;  // so short that it hardly meets a kink
        moved = at;
        change(moved, step);
        const double up = objective.value(moved, serial);
        moved = at;
        change(moved, -step);
        return (up - objective.value(moved, serial)) / (2 * step);
    };
    for (Index j = 0; j < m; ++j) {
        for (Index i = 0; i < d; ++i) {
            CHECK_CLOSE(slope.u(i, j),
                        difference([&](Network& net, double t) { net.u(i, j) += t; }), 3e-6);
        }
        for (Index o = 0; o < outputs; ++o) {
            CHECK_CLOSE(slope.a(o, j),
                        difference([&](Network& net, double t) { net.a(o, j) += t; }), 3e-6);
        }
    }
    CHECK_CLOSE(slope.c[1], difference([](Network& net, double t) { net.c[1] += t; }), 3e-6);
    Network threaded;
    const double again = objective.value(at, threaded, Context{2, nullptr});
    CHECK(again == value);
    CHECK(threaded.u == slope.u && threaded.a == slope.a);
}

TEST_CASE("relu network: balancing keeps the function and leaves out neurons that give nothing") {
    const Matrix x = normal_matrix(20, 3, 4);
    Network network = some_network(3, 2, 6, 5);
    network.u.col(0) *= 100;
    network.a.col(1).setZero();
    network.u.col(2).setZero();
    const Network fair = balanced(network);
    CHECK(fair.u.cols() == 4);
    CHECK((predict(x, network, serial) - predict(x, fair, serial)).cwiseAbs().maxCoeff() < 1e-13);
    for (Index j = 0; j < 4; ++j) CHECK_CLOSE(fair.u.col(j).norm(), fair.a.col(j).norm(), 1e-14);
    CHECK(fair.u.squaredNorm() + fair.a.squaredNorm() <
          network.u.squaredNorm() + network.a.squaredNorm());
}

TEST_CASE("relu network: pruning leaves as many neurons as samples and outputs, no worse") {
    const Index n = 6, outputs = 2;
    const Matrix x = normal_matrix(n, 3, 6);
    for (const Index m : {1, 5, 12, 13, 40, 300}) {
        const Network network = some_network(3, outputs, m, 7);
        const Network few = pruned(x, network, serial);
        CHECK(few.u.cols() <= std::min(m, n * outputs));
        const Matrix before = predict(x, network, serial), after = predict(x, few, serial);
        CHECK((before - after).cwiseAbs().maxCoeff() < 1e-11);
        const Network fair = balanced(network);
        CHECK(few.u.squaredNorm() <= fair.u.squaredNorm() * (1 + 1e-12));
    }
}

TEST_CASE("relu network: equal neurons are pruned to one, dead ones and none at all are fine") {
    const Matrix x = normal_matrix(9, 2, 8);
    Network network = some_network(2, 1, 1, 10);
    network.u = network.u.replicate(1, 4).eval();
    network.a = network.a.replicate(1, 4).eval();
    CHECK(pruned(x, network, serial).u.cols() == 1);
    const Network none{Matrix(2, 0), Matrix(1, 0), RowVector::Constant(1, 0.5)};
    CHECK(pruned(x, none, serial).u.cols() == 0);
    CHECK(predict(x, none, serial) == Matrix::Constant(9, 1, 0.5));
}

TEST_CASE("relu network: L-BFGS finds the minima of Rosenbrock's function and of a kink") {
    const Function rosenbrock = [](const Vector& x, Vector& gradient) {
        const double a = 1 - x[0], b = x[1] - x[0] * x[0];
        gradient.resize(2);
        gradient << -2 * a - 400 * b * x[0], 200 * b;
        return a * a + 100 * b * b;
    };
    Vector x(2);
    x << -1.2, 1;
    const LbfgsResult smooth = minimise_lbfgs(rosenbrock, x, {.gradient_tol = 1e-10}, serial);
    CHECK(smooth.status == Status::Converged && smooth.n_iter < 100);
    CHECK((x - Vector::Ones(2)).norm() < 1e-8);

    const Function kink = [](const Vector& z, Vector& gradient) {
        gradient.resize(2);
        gradient << (z[0] >= 1 ? 3.0 : -3.0), 2 * z[1];
        return 3 * std::abs(z[0] - 1) + z[1] * z[1];
    };
    x << -7, 5;
    minimise_lbfgs(kink, x, {}, serial);
    CHECK(std::abs(x[0] - 1) < 1e-6 && std::abs(x[1]) < 1e-3);

    const Function broken = [](const Vector&, Vector& gradient) {
        gradient = Vector::Zero(2);
        return std::numeric_limits<double>::quiet_NaN();
    };
    CHECK(minimise_lbfgs(broken, x, {}, serial).status == Status::NumericalError);
}

TEST_CASE("relu network: a local search lowers every loss and ends where no direction helps") {
    const Index n = 40;
    const Matrix x = normal_matrix(n, 3, 11);
    const Matrix signs = normal_matrix(n, 1, 12).cwiseSign();
    for (const LossKind kind :
         {LossKind::Squared, LossKind::Logistic, LossKind::Hinge, LossKind::SquaredHinge}) {
        const auto loss = make_loss(kind, signs, nullptr, 0);
        NetworkObjective objective(x, *loss, 0.01, true);
        const Network start = random_network(3, 1, 10, 13);
        const LocalMinimum found = local_search(objective, start, {}, serial);
        CHECK(found.value < 0.9 * objective.value(start, serial));
        CHECK_CLOSE(found.value, objective.value(found.network, serial), 1e-12);
        for (std::uint64_t seed = 0; seed < 20; ++seed) {
            Network moved = found.network;
            moved.u += 1e-4 * normal_matrix(3, moved.u.cols(), seed);
            moved.a += 1e-4 * normal_matrix(1, moved.a.cols(), seed + 50);
            // The search may end at a kink with a little left to gain along it.
            CHECK(objective.value(moved, serial) > found.value - 1e-5);
        }
        const LocalMinimum again = local_search(objective, found.network, {}, serial);
        CHECK(again.value <= found.value && again.value > found.value * (1 - 1e-3));
    }
}

TEST_CASE("relu network: a local search ends with its monitor") {
    const Matrix x = normal_matrix(30, 3, 14), y = normal_matrix(30, 1, 15);
    const auto loss = make_loss(LossKind::Squared, y, nullptr, 0);
    NetworkObjective objective(x, *loss, 0.01, true);
    Monitor monitor(nullptr, 0.0);
    const LocalMinimum found =
        local_search(objective, random_network(3, 1, 5, 16), {}, Context{1, &monitor});
    CHECK(found.status == Status::TimeLimit && found.n_iter <= 1);
}
