#include "../src/relu/sample_system.hpp"
#include "check.hpp"
#include "cycloid/relu/admm.hpp"
#include "cycloid/relu/published.hpp"
#include "relu_problem.hpp"

using cycloid::Context;
using cycloid::Index;
using cycloid::Status;
using namespace cycloid::relu;
using namespace relu_problem;

namespace {

const Context context{1};
constexpr Index n = 30, d = 4;

// F of one output after another: rows (output, sample), columns (block, coordinate).
Matrix dense_features(const Program& program) {
    const Index outputs = program.blocks.direction.rows();
    Matrix f = Matrix::Zero(n * outputs, d * program.blocks.count());
    for (Index b = 0; b < program.blocks.count(); ++b) {
        const Vector active = program.patterns.active.col(program.blocks.pattern[b]).cast<double>();
        for (Index j = 0; j < outputs; ++j) {
            f.block(j * n, b * d, n, d) =
                program.blocks.direction(j, b) * active.asDiagonal() * program.x;
        }
    }
    return f;
}

Blocks blocks_of(bool separate) {
    Blocks blocks = signed_blocks(5, 2);
    // The second output lacks a pattern; one block comes twice.
    blocks.pattern[2] = 1;
    blocks.pattern[0] = blocks.pattern[4];
    if (!separate) {
        blocks.direction = gaussian(2, blocks.count(), 9);
        blocks.direction.colwise().normalize();
    }
    return blocks;
}

}  // namespace

TEST_CASE("relu admm: merged blocks have the same F F'") {
    const Matrix x = gaussian(n, d, 1);
    const Patterns patterns = patterns_of(x, 5, 2);
    const auto loss = make_loss(LossKind::Squared, Matrix::Zero(n, 2), nullptr, 0);
    const Blocks blocks = blocks_of(true);
    const MergedBlocks merged(blocks);
    CHECK(merged.separate);
    CHECK(merged.blocks.count() < blocks.count() / 2 + 2);
    const Matrix whole = dense_features({x, *loss, patterns, blocks, 0.1});
    const Matrix part = dense_features({x, *loss, patterns, merged.blocks, 0.1});
    CHECK((whole * whole.transpose() - part * part.transpose()).norm() < 1e-11);
    CHECK(!MergedBlocks(blocks_of(false)).separate);
}

TEST_CASE("relu admm: the three linear systems solve the same equations") {
    const Matrix x = gaussian(n, d, 1);
    const Patterns patterns = patterns_of(x, 5, 2);
    const auto loss = make_loss(LossKind::Squared, Matrix::Zero(n, 2), nullptr, 0);
    for (const bool separate : {true, false}) {
        for (const bool intercept : {true, false}) {
            const MergedBlocks merged(blocks_of(separate));
            const Program program{x, *loss, patterns, merged.blocks, 0.1, intercept};
            const Matrix f = dense_features(program);
            for (const SystemKind kind :
                 {SystemKind::Samples, SystemKind::Parameters, SystemKind::Iterative}) {
                const auto system = make_sample_system(kind, program, separate, context);
                const double ridge = 0.7;
                CHECK(system->factor(ridge));
                const Matrix right = gaussian(n, 2, 3);
                Matrix b, fit;
                RowVector c;
                // Each call of the iterative one reduces the error of the last.
                for (int k = 0; k < 12; ++k) system->solve(right, b, c, fit);
                Matrix image = b;
                image.reshaped() = f * (f.transpose() * b.reshaped());
                const Matrix wanted = right.rowwise() + c;
                CHECK((ridge * b + image - wanted).norm() < 1e-9);
                CHECK((fit - (wanted - image)).norm() < 1e-9);
                if (intercept) CHECK(b.colwise().sum().norm() < 1e-12);
                if (!intercept) CHECK(c.norm() == 0);
            }
        }
    }
}

TEST_CASE("relu admm: gaps close for every loss") {
    const Matrix x = gaussian(n, d, 1);
    const Patterns patterns = patterns_of(x, 6, 2);
    const Blocks blocks = signed_blocks(6, 1);
    const Matrix real = gaussian(n, 1, 3);
    const Matrix labels = real.unaryExpr([](double v) { return v > 0 ? 1.0 : -1.0; });
    for (const LossKind kind : {LossKind::Squared, LossKind::Logistic, LossKind::Hinge,
                                LossKind::SquaredHinge, LossKind::Huber, LossKind::Quantile}) {
        const bool regression =
            kind == LossKind::Squared || kind == LossKind::Huber || kind == LossKind::Quantile;
        const auto loss = make_loss(kind, regression ? real : labels, nullptr, 0.4);
        const Program program{x, *loss, patterns, blocks, 0.02};
        AdmmOptions options;
        options.tol = 1e-7;
        const Solution solution = solve_admm(program, options, nullptr, context);
        CHECK(solution.status == Status::Converged);
        CHECK(solution.objective - solution.lower_bound <= 1e-7 * solution.objective);
        const Network network = recover(program, solution.point);
        CHECK_CLOSE(network_objective(program, network), solution.objective, 1e-12);
        // From there on nothing is left to do.
        CHECK(solve_admm(program, options, &solution.point, context).n_iter == 0);
    }
}

TEST_CASE("relu admm: the published methods go the same way") {
    const Matrix x = gaussian(n, d, 1);
    const Patterns patterns = patterns_of(x, 6, 2);
    const Blocks blocks = signed_blocks(6, 1);
    const auto loss = make_loss(LossKind::Squared, gaussian(n, 1, 3), nullptr, 0);
    const Program program{x, *loss, patterns, blocks, 0.02, false};
    const Solution ours = solve_admm(program, {}, nullptr, context);
    const Solution dense = solve_dense_admm(program, {1e-3, 5000}, context);
    CHECK(dense.status == Status::Converged);
    CHECK_CLOSE(dense.objective / ours.objective, 1.0, 2e-3);
    // Descent is slow: it is on its way.
    const Solution descent = solve_block_descent_admm(program, {1e-2, 60}, context);
    const double zero = loss->value(Matrix::Zero(n, 1));
    CHECK(descent.objective < ours.objective + 0.5 * (zero - ours.objective));
    CHECK(descent.objective > ours.lower_bound);
    CHECK(descent.lower_bound < ours.objective);
    const Program with_intercept{x, *loss, patterns, blocks, 0.02, true};
    CHECK_THROWS(solve_dense_admm(with_intercept, {}, context));
    CHECK_THROWS(solve_block_descent_admm(with_intercept, {}, context));
}
