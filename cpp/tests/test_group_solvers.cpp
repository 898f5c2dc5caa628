// Solvers of models with groups of coefficients, and the losses of several outputs.
#include "check.hpp"
#include "cycloid/bcd/conjugate_gradients.hpp"
#include "cycloid/bcd/group_gram_solver.hpp"
#include "cycloid/bcd/group_path.hpp"
#include "cycloid/bcd/group_residual_solver.hpp"
#include "cycloid/bcd/softmax_dual_solver.hpp"
#include "cycloid/core/random.hpp"

using cycloid::Context;
using cycloid::Index;
using cycloid::Monitor;
using cycloid::Random;
using cycloid::Status;
using namespace cycloid::bcd;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

MatrixXd uniform(Random& random, Index rows, Index columns) {
    MatrixXd x(rows, columns);
    for (Index i = 0; i < x.size(); ++i) x.data()[i] = 2 * random.uniform() - 1;
    return x;
}

double violation(const std::vector<Range>& groups, const std::vector<GroupPenalty>& penalty,
                 const Outputs& slope, const Outputs& b) {
    return support_violation(groups, penalty, slope, b).largest();
}

// Every third entry of a matrix, in compressed columns.
struct Sparse {
    std::vector<double> values;
    std::vector<std::int32_t> rows, starts{0};
    MatrixXd dense;

    Sparse(Random& random, Index n, Index p) : dense(MatrixXd::Zero(n, p)) {
        for (Index j = 0; j < p; ++j) {
            for (Index i = j % 3; i < n; i += 3) {
                values.push_back(2 * random.uniform() - 1);
                rows.push_back(static_cast<std::int32_t>(i));
                dense(i, j) = values.back();
            }
            starts.push_back(static_cast<std::int32_t>(values.size()));
        }
    }
    std::unique_ptr<cycloid::Operator> view() const {
        return cycloid::make_csc(values.data(), rows.data(), starts.data(), dense.rows(),
                                 dense.cols());
    }
};

}  // namespace

TEST_CASE("group Gram solver: no violation is left, in one output and in several") {
    const std::vector<Range> groups{{0, 1}, {1, 4}, {4, 5}, {5, 10}, {10, 12}};
    for (const Index outputs : {1, 3}) {
        for (const bool twins : {false, true}) {
            for (const GroupPenalty unit : {GroupPenalty{0, 0.08, 0}, GroupPenalty{0.03, 0.05, 0},
                                            GroupPenalty{0.05, 0, 0.1}, GroupPenalty{0, 0, 0.2}}) {
                Random random(7);
                MatrixXd x = uniform(random, 30, 12);
                if (twins) x.col(6) = x.col(5), x.col(11) = x.col(0);
                const MatrixXd gram = x.transpose() * x / 30;
                const Outputs start = x.transpose() * uniform(random, 30, outputs) / 30;
                const std::vector<GroupPenalty> penalty(groups.size(), unit);
                Outputs b = Outputs::Zero(12, outputs), slope = start;
                GroupGramSolver solver;
                Effort effort;
                solver.solve(gram, groups, penalty, b, slope, Visit{1e-11}, Context{}, effort);
                CHECK((slope - (start - gram * b)).norm() < 1e-12);
                CHECK(violation(groups, penalty, slope, b) <= 2e-11);
                Random order(1);
                Outputs again = Outputs::Zero(12, outputs), rest = start;
                solver.solve(gram, groups, penalty, again, rest, Visit{1e-11, &order}, Context{},
                             effort);
                CHECK(violation(groups, penalty, rest, again) <= 2e-11);
            }
        }
    }
}

TEST_CASE("conjugate gradients: a definite system is solved in as many steps as it has unknowns") {
    Random random(2);
    const MatrixXd root = uniform(random, 8, 8);
    const MatrixXd a = root * root.transpose() + MatrixXd::Identity(8, 8);
    const VectorXd rhs = uniform(random, 8, 1);
    VectorXd x;
    const auto apply = [&](const VectorXd& v, VectorXd& out) { out = a * v; };
    const auto scale = [&](const VectorXd& v, VectorXd& out) {
        out = v.cwiseQuotient(a.diagonal());
    };
    const Index steps = conjugate_gradients(apply, scale, rhs, 1e-12, 50, x, Context{});
    CHECK(steps <= 10);
    CHECK((a * x - rhs).norm() <= 1e-10);
    CHECK(conjugate_gradients(apply, scale, VectorXd::Zero(8).eval(), 1e-12, 50, x, Context{}) ==
          0);
    CHECK(x.isZero());
}

TEST_CASE("losses of several outputs: derivatives by differences, the dual by Fenchel's equality") {
    Random random(5);
    const VectorXd w = VectorXd::LinSpaced(6, 0.0, 1.0) / 3;
    const Outputs y = uniform(random, 6, 3), z = uniform(random, 6, 3) * 4;
    const VectorXd labels = (VectorXd(6) << 0, 2, 1, 1, 0, 2).finished();
    const auto check_loss = [&]<class Loss>(Loss, const Response& r) {
        Outputs u(6, 3), probability(6, 3), moved_u(6, 3), unused(6, 3);
        const double value = Loss::derivatives(r, z.data(), u.data(), probability.data());
        CHECK_CLOSE(value, Loss::value(r, z.data()), 1e-14);
        const Outputs way = uniform(random, 6, 3);
        constexpr double h = 1e-5;
        const Outputs ahead = z + h * way, behind = z - h * way;
        const double slope =
            (Loss::value(r, ahead.data()) - Loss::value(r, behind.data())) / (2 * h);
        CHECK_CLOSE(slope, -u.cwiseProduct(way).sum(), 1e-8);
        Loss::derivatives(r, ahead.data(), moved_u.data(), unused.data());
        Outputs curved = way;
        for (Index i = 0; i < 6; ++i) Loss::curve(r, probability.data(), i, curved.row(i).data());
        CHECK((moved_u - u + h * curved).norm() < 1e-8);
        double bound = 0;
        for (Index i = 0; i < 6; ++i) {
            for (Index c = 0; c < 3; ++c) {
                bound += Loss::bound(r, probability.data(), i, c) * way(i, c) * way(i, c);
            }
        }
        CHECK(curved.cwiseProduct(way).sum() <= bound + 1e-14);
        CHECK(curved.cwiseProduct(way).sum() >= -1e-14);
        // loss(z) + loss*(-u) = -u'z: the dual value is loss* with its sign changed.
        double c = 0;
        CHECK_CLOSE(Loss::dual(r, u.data(), 1.0, true, c), value + u.cwiseProduct(z).sum(), 1e-12);
        CHECK(c == 1);
    };
    check_loss(SquaredOutputs{}, Response{6, 3, y.data(), w.data()});
    check_loss(Softmax{}, Response{6, 3, labels.data(), w.data()});
}

TEST_CASE("softmax: the dual solver and the path find the same optimum of sparse rows") {
    Random random(9);
    const Index n = 40, p = 60, k = 3;
    const Sparse data(random, n, p);
    const auto x = data.view();
    const VectorXd w = VectorXd::Constant(n, 1.0 / double(n));
    VectorXd labels(n);
    for (Index i = 0; i < n; ++i) labels[i] = double((i * i + i / 3) % k);
    const Response response{n, k, labels.data(), w.data()};
    const double ridge = 0.02;
    const std::vector<double> zero(p, 0.0), one(p, 1.0);
    for (const bool intercept : {false, true}) {
        GroupProblem problem{.x = *x, .response = response, .members = {}, .starts = {}};
        problem.loss = OutputsLoss::Softmax;
        for (Index j = 0; j < p; ++j) problem.members.push_back(j), problem.starts.push_back(j);
        problem.starts.push_back(p);
        problem.l1 = problem.norm = zero.data(), problem.l2 = one.data();
        problem.intercept = intercept;
        GroupOptions options;
        options.alphas = {ridge};
        options.rtol = 1e-12;
        Monitor monitor;
        const GroupPath path = solve_group_path(problem, options, monitor);
        CHECK(path.points[0].status == Status::Converged);

        SoftmaxDualSolver solver(*x, response, intercept);
        CHECK(solver.usable());
        Outputs u(n, k), unused(n, k);
        const Outputs z = Outputs::Zero(n, k);
        Softmax::derivatives(response, z.data(), u.data(), unused.data());
        const Outputs slope = data.dense.transpose() * u;
        VectorXd b0 = VectorXd::Zero(k);
        Effort effort;
        CHECK(solver.solve(ridge, u, slope, 1e-6, b0, Context{}, effort));
        Outputs b = data.dense.transpose() * u / ridge;
        Outputs scores = data.dense * b;
        scores.rowwise() += b0.transpose();
        const double objective =
            Softmax::value(response, scores.data()) + 0.5 * ridge * b.squaredNorm();
        CHECK(objective - path.points[0].objective >= -1e-12);
        CHECK(objective - path.points[0].objective <= 1e-6);
    }
}
