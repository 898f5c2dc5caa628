#include "check.hpp"
#include "cycloid/relu/cones.hpp"
#include "relu_problem.hpp"

using cycloid::Context;
using cycloid::Index;
using namespace cycloid::relu;
using namespace relu_problem;

namespace {

const Context context{1};

// The conditions that single out the projection p of x: p in the cone, x - p = -A'mu with mu >= 0,
// and mu orthogonal to A p.
void check_projection(const Program& program, const Matrix& x, const Matrix& p, const Matrix& mu) {
    for (Index b = 0; b < x.cols(); ++b) {
        const Vector sign =
            2 * program.patterns.active.col(program.blocks.pattern[b]).cast<double>().array() - 1;
        const Matrix a = sign.asDiagonal() * program.x;
        const double scale = 1 + x.col(b).norm();
        CHECK((a * p.col(b)).minCoeff() > -1e-11 * scale);
        CHECK(mu.col(b).minCoeff() >= 0);
        CHECK((x.col(b) + a.transpose() * mu.col(b) - p.col(b)).norm() < 1e-10 * scale);
        CHECK(std::abs(mu.col(b).dot(a * p.col(b))) < 1e-10 * scale * scale);
    }
}

struct Setting {
    Matrix x;
    Patterns patterns;
    Blocks blocks;
    std::unique_ptr<Loss> loss;
    Program program;

    Setting(Index n, Index d, Index count)
        : x(gaussian(n, d, 1)),
          patterns(patterns_of(x, count, 2)),
          blocks(signed_blocks(count, 1)),
          loss(make_loss(LossKind::Squared, Matrix::Zero(n, 1), nullptr, 0)),
          program{x, *loss, patterns, blocks, 0.1} {}
};

}  // namespace

TEST_CASE("relu cones: projections are optimal, cold and from one point to the next") {
    for (const auto& [n, d] : {std::pair<Index, Index>{60, 5}, {30, 12}, {5, 20}, {1, 1}}) {
        const Setting setting(n, d, 6);
        Cones cones(setting.program, context);
        for (std::uint64_t seed = 3; seed < 9; ++seed) {
            const Matrix x = gaussian(d, 12, 3) + 0.3 * gaussian(d, 12, seed);
            Matrix p = x;
            CHECK(cones.project(p, 0));
            check_projection(setting.program, x, p, cones.multipliers());
            const Matrix once = p;
            cones.project(p, 0);
            CHECK((p - once).norm() < 1e-10);
        }
    }
}

TEST_CASE("relu cones: duplicate, parallel and zero rows") {
    Setting setting(40, 4, 6);
    setting.x.middleRows(10, 10) = setting.x.topRows(10);
    setting.x.middleRows(20, 10) = 3 * setting.x.topRows(10);
    setting.x.row(35).setZero();
    setting.patterns = patterns_of(setting.x, 6, 2);
    const Program program{setting.x, *setting.loss, setting.patterns, setting.blocks, 0.1};
    Cones cones(program, context);
    const Matrix x = gaussian(4, 12, 3);
    Matrix p = x;
    cones.project(p, 0);
    check_projection(program, x, p, cones.multipliers());
}

TEST_CASE("relu cones: blocks that are known to be short end early, as upper bounds") {
    const Setting setting(60, 5, 6);
    Cones exact(setting.program, context), early(setting.program, context);
    const Matrix x = gaussian(5, 12, 3);
    Matrix p = x, q = x;
    exact.project(p, 0);
    early.project(q, 1);
    const Matrix mu = early.multipliers();
    for (Index b = 0; b < 12; ++b) {
        CHECK(q.col(b).norm() >= p.col(b).norm() - 1e-12);
        if (q.col(b).norm() > 1) CHECK((q.col(b) - p.col(b)).norm() < 1e-11);
    }
    Matrix cones;
    signed_rows(setting.program, mu, context, cones);
    CHECK((x + setting.x.transpose() * cones - q).norm() < 1e-11);
}

TEST_CASE("relu cones: any number of threads gives the same bits, gated nothing") {
    const Setting setting(300, 8, 20);
    const Matrix x = gaussian(8, 40, 3);
    Cones one(setting.program, context), three(setting.program, Context{3});
    Matrix p = x, q = x;
    one.project(p, 0);
    three.project(q, 0);
    CHECK(p == q);
    Program gated = setting.program;
    gated.gated = true;
    Cones none(gated, context);
    q = x;
    none.project(q, 0);
    CHECK(q == x);
}
