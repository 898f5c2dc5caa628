#include <Eigen/Cholesky>

#include "check.hpp"
#include "cycloid/bcd/gram_solver.hpp"
#include "cycloid/bcd/proximal_point.hpp"
#include "cycloid/bcd/residual_solver.hpp"

using cycloid::ColumnBlock;
using cycloid::Context;
using cycloid::Random;
using namespace cycloid::bcd;
using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

// Columns of X with weights h and a residual u; `twins` makes the last column a copy of the first.
struct Data {
    Index n, m;
    ColumnBlock block;
    VectorXd h, u;
    MatrixXd gram;
    VectorXd slope;

    Data(Index rows, Index columns, bool twins) : n(rows), m(columns), h(rows), u(rows) {
        Random random(11);
        block.n_rows = n, block.n_columns = m;
        block.values.resize(static_cast<std::size_t>(n * m));
        for (double& v : block.values) v = random.uniform() - 0.4;
        if (twins) std::copy_n(block.values.begin(), n, block.values.end() - n);
        for (Index i = 0; i < n; ++i) {
            h[i] = 0.1 + random.uniform();
            u[i] = random.uniform() - 0.5;
        }
        const Eigen::Map<const MatrixXd> x(block.values.data(), n, m);
        gram = x.transpose() * h.asDiagonal() * x;
        slope = x.transpose() * u;
    }
};

double objective(const Data& data, const std::vector<Penalty>& penalty, const VectorXd& b) {
    double value = 0.5 * b.dot(data.gram * b) - data.slope.dot(b);
    for (Index k = 0; k < b.size(); ++k) value += penalty[static_cast<std::size_t>(k)].value(b[k]);
    return value;
}

}  // namespace

TEST_CASE("Gram solver: no violation is left, signs, kinks, bounds and twins included") {
    for (const bool twins : {false, true}) {
        for (const bool positive : {false, true}) {
            for (const double l2 : {0.0, 0.3}) {
                const Data data(30, 12, twins);
                const std::vector<Penalty> penalty(12, Penalty{0.05, l2, positive});
                VectorXd b = VectorXd::Zero(12), slope = data.slope;
                Effort effort;
                GramSolver<double> solver;
                solver.solve(data.gram, penalty, b, slope, Visit{1e-12}, Context{}, effort);
                CHECK(largest_violation(penalty, slope.data(), b.data()) <= 1e-12);
                const VectorXd exact = data.slope - data.gram * b;
                CHECK((slope - exact).cwiseAbs().maxCoeff() < 1e-12);
                CHECK(!positive || b.minCoeff() >= 0);
                CHECK(b.cwiseAbs().maxCoeff() > 0);
            }
        }
    }
}

TEST_CASE(
    "Gram solver in single precision: exact for its own matrix, and gives up on a singular one") {
    const Data data(30, 12, false), singular(30, 12, true);
    const std::vector<Penalty> penalty(12, Penalty{0.05, 0, false});
    Effort effort;
    GramSolver<float> solver;
    VectorXd b = VectorXd::Zero(12), slope = data.slope;
    const Eigen::MatrixXf gram = data.gram.cast<float>();
    solver.solve(gram, penalty, b, slope, Visit{1e-12}, Context{}, effort);
    CHECK(!solver.imprecise());
    CHECK(largest_violation(penalty, slope.data(), b.data()) <= 1e-12);
    const VectorXd exact = data.slope - gram.cast<double>() * b;
    CHECK((slope - exact).cwiseAbs().maxCoeff() < 1e-12);

    b = VectorXd::Zero(12), b[0] = b[11] = 1;  // the twins
    slope = singular.slope - singular.gram * b;
    const Eigen::MatrixXf twins = singular.gram.cast<float>();
    solver.solve(twins, std::vector<Penalty>(12, Penalty{}), b, slope, Visit{1e-12}, Context{},
                 effort);
    CHECK(solver.imprecise());
}

TEST_CASE("proximal point: more columns than samples, weak and strong penalties, signs kept") {
    for (const Index m : {12, 40}) {
        for (const double l1 : {1e-4, 0.05}) {
            for (const double l2 : {0.0, 1e-3}) {
                for (const bool positive : {false, true}) {
                    const Data data(20, m, true);
                    std::vector<Penalty> penalty(static_cast<std::size_t>(m),
                                                 Penalty{l1, l2, positive});
                    penalty[1] = Penalty{};  // unpenalised
                    VectorXd b = VectorXd::Zero(m), slope = data.slope;
                    Effort effort;
                    ProximalPoint().solve(data.gram, penalty, b, slope, 1e-12, Context{}, effort);
                    const VectorXd exact = data.slope - data.gram * b;
                    CHECK((slope - exact).cwiseAbs().maxCoeff() < 1e-11);
                    CHECK(largest_violation(penalty, exact.data(), b.data()) < 1e-11);
                    for (Index k = 0; k < m; ++k) CHECK(!positive || k == 1 || b[k] >= 0);
                }
            }
        }
    }
}

TEST_CASE("proximal point: what the samples do not see stays as it is, or falls to zero") {
    MatrixXd gram = MatrixXd::Zero(2, 2);
    gram(0, 0) = 2;
    const std::vector<Penalty> penalty{Penalty{0.1, 0, false}, Penalty{0.1, 0, false}};
    VectorXd b = VectorXd::Ones(2), slope(2);
    slope << 1 - 2, 0;  // the best b is (1 - 0.1) / 2, and 0
    Effort effort;
    ProximalPoint().solve(gram, penalty, b, slope, 1e-14, Context{}, effort);
    CHECK_CLOSE(b[0], 0.45, 1e-12);
    CHECK(b[1] == 0);
}

TEST_CASE(
    "residual solver: the same minimum as the Gram solver, the order of visits random or not") {
    for (const double l2 : {0.0, 0.3}) {
        for (const bool shuffled : {false, true}) {
            const Data data(40, 15, false);
            const std::vector<Penalty> penalty(15, Penalty{0.05, l2, false});
            VectorXd b = VectorXd::Zero(15), slope = data.slope, c = b, u = data.u;
            Effort effort;
            GramSolver<double>().solve(data.gram, penalty, b, slope, Visit{1e-12}, Context{},
                                       effort);
            Random random(5);
            ResidualSolver solver(data.block, {data.h.data(), 40}, false, Context{});
            solver.solve(penalty, {c.data(), 15}, {u.data(), 40},
                         Visit{1e-12, shuffled ? &random : nullptr}, Context{}, effort);
            CHECK_CLOSE(objective(data, penalty, b), objective(data, penalty, c), 1e-13);
            CHECK((b - c).cwiseAbs().maxCoeff() < 1e-10);
        }
    }
}

TEST_CASE("residual solver: a ridge alone is solved by conjugate gradients") {
    const Data data(40, 15, true);
    const std::vector<Penalty> penalty(15, Penalty{0.0, 0.3, false});
    VectorXd b = VectorXd::Zero(15), u = data.u;
    Effort effort;
    ResidualSolver solver(data.block, {data.h.data(), 40}, false, Context{});
    solver.solve(penalty, {b.data(), 15}, {u.data(), 40}, Visit{1e-12}, Context{}, effort);
    const MatrixXd system = data.gram + 0.3 * MatrixXd::Identity(15, 15);
    const VectorXd exact = system.llt().solve(data.slope);
    CHECK((b - exact).cwiseAbs().maxCoeff() < 1e-10);
}
