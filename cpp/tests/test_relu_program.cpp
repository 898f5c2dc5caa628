#include "check.hpp"
#include "cycloid/relu/program.hpp"
#include "relu_problem.hpp"

using cycloid::Context;
using cycloid::Index;
using namespace cycloid::relu;
using namespace relu_problem;

namespace {

constexpr Index n = 40, d = 4, outputs = 3, count = 5;

struct Problem {
    Matrix x = gaussian(n, d, 1);
    Patterns patterns = patterns_of(x, count, 2);
    Blocks blocks = signed_blocks(count, outputs);
    std::unique_ptr<Loss> loss = make_loss(LossKind::Squared, gaussian(n, outputs, 3), nullptr, 0);
    Program program{x, *loss, patterns, blocks, 0.05};

    Problem() {  // one neuron that the outputs share
        blocks.direction.col(4) = gaussian(outputs, 1, 4);
        blocks.direction.col(4).normalize();
    }
    Matrix sign(Index b) const {
        return 2 * patterns.active.col(blocks.pattern[b]).cast<double>().array() - 1;
    }
};

const Context context{1};

}  // namespace

TEST_CASE("relu program: predictions are the sum over blocks, by any number of threads") {
    const Problem p;
    const Matrix v = gaussian(d, p.blocks.count(), 5);
    const RowVector c = gaussian(1, outputs, 6);
    Matrix expected = Matrix::Ones(n, 1) * c;
    for (Index b = 0; b < p.blocks.count(); ++b) {
        const Vector active = p.patterns.active.col(p.blocks.pattern[b]).cast<double>();
        expected += active.asDiagonal() * p.x * v.col(b) * p.blocks.direction.col(b).transpose();
    }
    Matrix products, z;
    multiply(p.program, v, context, products);
    predictions(p.program, products, c, context, z);
    CHECK((z - expected).norm() < 1e-12);
    CHECK_CLOSE(objective(p.program, v, c, products, context),
                (p.loss->targets() - z).squaredNorm() / (2 * n) + 0.05 * penalty(v), 1e-13);
    Matrix again;
    multiply(p.program, v, Context{3}, products);
    predictions(p.program, products, c, Context{3}, again);
    CHECK(again == z);
}

TEST_CASE("relu program: the adjoint is one") {
    const Problem p;
    const Matrix v = gaussian(d, p.blocks.count(), 5), a = gaussian(n, outputs, 7);
    Matrix products, z, back;
    multiply(p.program, v, context, products);
    predictions(p.program, products, RowVector::Zero(outputs), context, z);
    adjoint(p.program, a, context, back);
    CHECK_CLOSE(a.cwiseProduct(z).sum(), back.cwiseProduct(v).sum(), 1e-12);
}

TEST_CASE("relu program: lifted blocks are in their cones, by the shortest way") {
    const Problem p;
    const Matrix start = gaussian(d, p.blocks.count(), 5);
    Matrix v = start, products;
    multiply(p.program, v, context, products);
    lift(p.program, generator_margins(p.program, context), v, products, context);
    CHECK((products - p.x * v).norm() < 1e-12 * v.norm());
    for (Index b = 0; b < p.blocks.count(); ++b) {
        const auto cone = (p.sign(b).array() * (p.x * v.col(b)).array()).eval();
        CHECK(std::abs(cone.minCoeff()) <
              1e-12 * v.col(b).norm());  // and no further than the boundary
    }
    const Matrix lifted = v;
    lift(p.program, generator_margins(p.program, context), v, products, context);
    CHECK((v - lifted).norm() < 1e-12);
}

TEST_CASE("relu program: a generator on the boundary of its cone zeroes what it cannot lift") {
    Problem p;
    p.patterns.generators.col(0).setZero();
    Matrix v = gaussian(d, p.blocks.count(), 5), products;
    multiply(p.program, v, context, products);
    lift(p.program, generator_margins(p.program, context), v, products, context);
    CHECK(v.leftCols(2 * outputs).norm() == 0);
    CHECK(v.rightCols(2 * outputs).colwise().norm().minCoeff() > 0);
}

TEST_CASE("relu program: zero rows are no obstacle") {
    Problem p;
    p.x.row(5).setZero();
    Matrix v = gaussian(d, p.blocks.count(), 5), products;
    const Program program{p.x, *p.loss, p.patterns, p.blocks, 0.05};
    multiply(program, v, context, products);
    lift(program, generator_margins(program, context), v, products, context);
    CHECK(v.colwise().norm().minCoeff() > 0);
}

TEST_CASE("relu program: the lower bound is below every feasible point") {
    Problem p;
    for (const bool gated : {false, true}) {
        for (const bool intercept : {false, true}) {
            const Program program{p.x, *p.loss, p.patterns, p.blocks, 0.05, intercept, gated};
            Matrix a = gaussian(n, outputs, 8) / n;
            Matrix mu = gated ? Matrix() : Matrix(gaussian(n, p.blocks.count(), 9).cwiseAbs() / n);
            const double bound = make_feasible(program, a, mu, context);
            CHECK(dual_norm(program, a, mu, context) <= 0.05 * (1 + 1e-12));
            if (intercept) CHECK(a.colwise().sum().norm() < 1e-14);
            for (std::uint64_t seed = 10; seed < 30; ++seed) {
                Matrix v = 0.1 * gaussian(d, p.blocks.count(), seed), products;
                multiply(program, v, context, products);
                lift(program, generator_margins(program, context), v, products, context);
                const RowVector c =
                    intercept ? RowVector(gaussian(1, outputs, seed)) : RowVector::Zero(outputs);
                CHECK(objective(program, v, c, products, context) >= bound);
            }
        }
    }
}

TEST_CASE("relu program: the recovered network has the program's objective") {
    const Problem p;
    Matrix v = gaussian(d, p.blocks.count(), 5), products;
    v.col(3).setZero();
    multiply(p.program, v, context, products);
    lift(p.program, generator_margins(p.program, context), v, products, context);
    const RowVector c = gaussian(1, outputs, 6);
    const Network network = recover(p.program, {v, c, {}, {}});
    CHECK(network.u.cols() == p.blocks.count() - 1);
    CHECK_CLOSE(network_objective(p.program, network),
                objective(p.program, v, c, products, context), 1e-13);
}
