#include <cmath>

#include "check.hpp"
#include "cycloid/relu/admm.hpp"
#include "cycloid/relu/interior_point.hpp"
#include "cycloid/relu/solve.hpp"
#include "relu_problem.hpp"

using cycloid::Context;
using cycloid::Index;
using cycloid::Monitor;
using cycloid::Status;
using namespace cycloid::relu;
using relu_problem::gaussian;

namespace {

struct Example {
    Matrix x, y;
    Patterns patterns;
    Blocks blocks;

    Example(Index n, Index d, Index count, Index outputs) : x(gaussian(n, d, 1)) {
        x.col(d - 1).setOnes();
        patterns = relu_problem::patterns_of(x, count, 2);
        blocks = relu_problem::signed_blocks(count, outputs);
        y = (x * gaussian(d, outputs, 3)).cwiseMax(0.0) + 0.3 * gaussian(n, outputs, 4);
        y.rowwise() -= y.colwise().mean();
    }
    void to_labels() { y = (y.array() > 0).select(Matrix::Ones(y.rows(), y.cols()), -1.0); }
    void to_classes() {
        for (Index k = 0; k < y.rows(); ++k) {
            Index best = 0;
            y.row(k).maxCoeff(&best);
            y.row(k).setZero();
            y(k, best) = 1;
        }
    }
    Program program(const Loss& loss, double alpha) const {
        return {x, loss, patterns, blocks, alpha};
    }
};

// A point's objective and bound, from the definitions and nothing else.
void check_certificate(const Program& program, const Solution& solution, double tol) {
    const Point& point = solution.point;
    const Index n = program.x.rows(), count = program.blocks.count();
    Matrix z = point.c.replicate(n, 1);
    double penalty = 0, steepest = 0, outside = 0;
    for (Index b = 0; b < count; ++b) {
        const Vector active = program.patterns.active.col(program.blocks.pattern[b]).cast<double>();
        const Vector sign = 2 * active.array() - 1, product = program.x * point.v.col(b);
        const Vector g = program.blocks.direction.col(b);
        z += active.cwiseProduct(product) * g.transpose();
        penalty += point.v.col(b).norm();
        Vector load = active.cwiseProduct(point.dual * g);
        if (!program.gated) {
            outside = std::max(outside, -sign.cwiseProduct(product).minCoeff());
            load -= sign.cwiseProduct(point.cone_multipliers.col(b));
        }
        steepest = std::max(steepest, (program.x.transpose() * load).norm());
    }
    const double value = program.loss.value(z) + program.alpha * penalty;
    CHECK_CLOSE(value, solution.objective, 1e-12);
    CHECK_CLOSE(-program.loss.conjugate(point.dual), solution.lower_bound, 1e-12);
    CHECK(outside <= 1e-12);
    CHECK(steepest <= program.alpha * (1 + 1e-12));
    if (!program.gated) CHECK(point.cone_multipliers.minCoeff() >= 0);
    if (program.intercept) CHECK(point.dual.colwise().sum().cwiseAbs().maxCoeff() < 1e-12);
    CHECK(solution.status == Status::Converged);
    CHECK(solution.lower_bound <= value + 1e-12 && value - solution.lower_bound <= tol * value);
}

Solution solved(const Program& program, double tol, int n_threads = 1) {
    Monitor monitor;
    InteriorPointOptions options;
    options.tol = tol;
    return solve_interior_point(program, options, {n_threads, &monitor});
}

}  // namespace

TEST_CASE("relu interior point: each loss to a certified gap, gated or not") {
    for (const LossKind kind : {LossKind::Squared, LossKind::Logistic, LossKind::Hinge,
                                LossKind::SquaredHinge, LossKind::Huber, LossKind::Quantile}) {
        Example example(40, 4, 6, 1);
        if (kind == LossKind::Logistic || kind == LossKind::Hinge ||
            kind == LossKind::SquaredHinge) {
            example.to_labels();
        }
        const auto loss = make_loss(kind, example.y, nullptr, 0.3);
        for (const bool gated : {false, true}) {
            for (const bool intercept : {false, true}) {
                Program program = example.program(*loss, 0.01);
                program.gated = gated;
                program.intercept = intercept;
                check_certificate(program, solved(program, 1e-7), 1e-7);
            }
        }
    }
}

TEST_CASE("relu interior point: softmax, and outputs apart or joined") {
    for (const bool joined : {false, true}) {
        Example example(30, 4, 5, 3);
        if (joined) {
            example.blocks.direction = gaussian(3, example.blocks.count(), 7);
            example.blocks.direction.colwise().normalize();
        }
        const auto squared = make_loss(LossKind::Squared, example.y, nullptr, 0);
        check_certificate(example.program(*squared, 0.01),
                          solved(example.program(*squared, 0.01), 1e-7), 1e-7);
        example.to_classes();
        const auto softmax = make_loss(LossKind::Softmax, example.y, nullptr, 0);
        for (const bool intercept : {false, true}) {
            Program program = example.program(*softmax, 0.01);
            program.intercept = intercept;
            check_certificate(program, solved(program, 1e-7), 1e-7);
        }
    }
}

TEST_CASE("relu interior point: the matrix of weights gives what the matrix of samples does") {
    // 12 weights against 200 samples; then the same data as one of several outputs' directions.
    const Example example(200, 4, 3, 1);
    const auto loss = make_loss(LossKind::Huber, example.y, nullptr, 0.5);
    const Program few = example.program(*loss, 0.005);
    const Solution by_weights = solved(few, 1e-7);
    check_certificate(few, by_weights, 1e-7);

    Example twice(200, 4, 3, 2);
    twice.x = example.x;
    twice.patterns = example.patterns;
    twice.y << example.y, example.y;
    twice.blocks.direction.array() = 0;
    for (Index b = 0; b < twice.blocks.count(); ++b) {
        twice.blocks.direction.col(b).setConstant(b % 2 == 0 ? std::sqrt(0.5) : -std::sqrt(0.5));
    }
    // Both outputs alike through joined directions: half the penalty's weight squared.
    const auto both = make_loss(LossKind::Huber, twice.y, nullptr, 0.5);
    const Program joined = twice.program(*both, 0.005 * std::sqrt(2.0));
    const Solution by_samples = solved(joined, 1e-7);
    check_certificate(joined, by_samples, 1e-7);
    CHECK_CLOSE(by_samples.objective, 2 * by_weights.objective, 1e-6);
}

TEST_CASE("relu interior point: samples without weight, rows of zeros, a single sample") {
    Example example(30, 4, 5, 1);
    example.x.row(3).setZero();
    example.patterns = relu_problem::patterns_of(example.x, 5, 2);
    Vector weights = Vector::Constant(30, 1.0 / 25);
    weights.head(5).setZero();
    for (const LossKind kind : {LossKind::Squared, LossKind::Quantile}) {
        const auto loss = make_loss(kind, example.y, weights.data(), 0.3);
        const Program program = example.program(*loss, 0.01);
        check_certificate(program, solved(program, 1e-7), 1e-7);
    }
    Example one(1, 2, 1, 1);
    one.y(0, 0) = 2;
    const auto loss = make_loss(LossKind::Squared, one.y, nullptr, 0);
    Program program = one.program(*loss, 0.1);
    program.intercept = false;
    const Solution solution = solved(program, 1e-7);
    check_certificate(program, solution, 1e-7);
    // The active pattern is a lasso of one variable along x; of the other nothing can be made.
    const double norm = one.x.row(0).norm(), least = std::max(0.0, 2 - 0.1 / norm);
    const bool active = one.patterns.active(0, 0) != 0;
    const double fit = active ? 0.5 * (2 - least) * (2 - least) + 0.1 * least / norm : 2.0;
    CHECK_CLOSE(solution.objective, fit, 1e-6);
}

TEST_CASE("relu interior point: a penalty too large for any neuron leaves the constant") {
    const Example example(40, 4, 6, 1);
    const auto loss = make_loss(LossKind::Squared, example.y, nullptr, 0);
    const Solution solution = solved(example.program(*loss, 100), 1e-7);
    const double variance = 0.5 * example.y.squaredNorm() / 40;
    CHECK(solution.status == Status::Converged);
    CHECK_CLOSE(solution.objective, variance, 1e-6);
}

TEST_CASE("relu interior point: blocks without an inner generator stay zero, the bound holds") {
    Example example(40, 4, 6, 1);
    example.patterns.generators.col(2) *= -1;
    const auto loss = make_loss(LossKind::Squared, example.y, nullptr, 0);
    const Program program = example.program(*loss, 0.01);
    const Solution solution = solved(program, 1e-6);
    CHECK(solution.point.v.middleCols(4, 2).norm() == 0);
    CHECK(std::isfinite(solution.objective));
    const Matrix& mu = solution.point.cone_multipliers;
    CHECK(dual_norm(program, solution.point.dual, mu, Context{}) <= 0.01 * (1 + 1e-12));
    CHECK(solution.lower_bound <= solution.objective);

    example.patterns.generators *= -1;
    example.patterns.generators.col(2) *= -1;
    const Solution nothing = solved(example.program(*loss, 0.01), 1e-6);
    CHECK(nothing.point.v.norm() == 0);
    CHECK(nothing.lower_bound <= nothing.objective);
}

TEST_CASE("relu interior point: the same bits for any number of threads") {
    for (const Index n : {150, 1500}) {
        const Example example(n, 5, 20, 1);
        const auto loss = make_loss(LossKind::Squared, example.y, nullptr, 0);
        const Solution one = solved(example.program(*loss, 0.01), 1e-2, 1);
        const Solution three = solved(example.program(*loss, 0.01), 1e-2, 3);
        CHECK(one.point.v == three.point.v);
        CHECK(one.lower_bound == three.lower_bound);
    }
}

TEST_CASE("relu interior point: stops when asked, with a feasible point") {
    const Example example(60, 5, 20, 1);
    const auto loss = make_loss(LossKind::Squared, example.y, nullptr, 0);
    const Program program = example.program(*loss, 0.01);
    InteriorPointOptions options;
    options.max_iter = 3;
    const Solution few = solve_interior_point(program, options, {1, nullptr});
    CHECK(few.status == Status::MaxIter && few.n_iter == 3);
    Monitor expired(nullptr, 0);
    const Solution none = solve_interior_point(program, options, {1, &expired});
    CHECK(none.status == Status::TimeLimit);
    CHECK(std::isfinite(none.objective) && none.lower_bound <= none.objective);
}

TEST_CASE("relu solve: one objective for the ADMM, the interior point and both together") {
    for (const LossKind kind : {LossKind::Squared, LossKind::Quantile, LossKind::Logistic}) {
        Example example(60, 4, 12, 1);
        if (kind == LossKind::Logistic) example.to_labels();
        const auto loss = make_loss(kind, example.y, nullptr, 0.3);
        const Program program = example.program(*loss, 0.02);
        const double expected = solved(program, 1e-7).objective;
        Monitor monitor;
        AdmmOptions admm;
        admm.tol = 1e-6;
        const Solution by_admm = solve_admm(program, admm, nullptr, {1, &monitor});
        CHECK_CLOSE(by_admm.objective, expected, 2e-6);
        SolveOptions options;
        options.tol = 1e-7;
        const Solution hybrid = solve_program(program, options, nullptr, {1, &monitor});
        check_certificate(program, hybrid, 1e-7);
        CHECK_CLOSE(hybrid.objective, expected, 1e-6);
        const Solution again = solve_program(program, options, &hybrid.point, {1, &monitor});
        CHECK(again.n_iter <= hybrid.n_iter);
        check_certificate(program, again, 1e-7);
    }
}
