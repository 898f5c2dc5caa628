#include "check.hpp"
#include "cycloid/newton/newton_sketch.hpp"
#include "cycloid/newton/projected_cg.hpp"
#include "newton_sums.hpp"

using cycloid::Index;
using namespace cycloid::newton;
using sums::Example;

namespace {

std::vector<Example> examples() {
    std::vector<Example> all;
    all.reserve(8);
    for (const bool intercept : {false, true}) {
        all.emplace_back(LossKind::Squared, 90, 4, intercept);
        all.emplace_back(LossKind::Logistic, 90, 4, intercept);
        all.emplace_back(LossKind::Poisson, 90, 4, intercept);
        all.emplace_back(LossKind::Multinomial, 90, 4, intercept, 3);
    }
    return all;
}

}  // namespace

TEST_CASE("finite sum: gradient and Hessian are those of the value") {
    for (const Example& example : examples()) {
        const FiniteSum& sum = example.sum;
        const Vector point = 0.4 * sums::normal(sum.dimension(), 1, 8);
        const SumPoint at = evaluate(sum, point, {});
        const Matrix h = sums::hessian(sum, at);
        CHECK((h - h.transpose()).norm() < 1e-12);
        const double step = 1e-5;
        for (Index j = 0; j < point.size(); ++j) {
            const Vector e = step * Vector::Unit(point.size(), j);
            const SumPoint up = evaluate(sum, point + e, {}), down = evaluate(sum, point - e, {});
            CHECK_CLOSE(at.gradient[j], (up.value - down.value) / (2 * step), 1e-8);
            CHECK((h.col(j) - (up.gradient - down.gradient) / (2 * step)).norm() < 1e-8);
        }
    }
}

TEST_CASE("finite sum: values along a line need no pass") {
    for (const Example& example : examples()) {
        const FiniteSum& sum = example.sum;
        const Vector point = sums::normal(sum.dimension(), 1, 8);
        const Vector along = sums::normal(sum.dimension(), 1, 9);
        FiniteSum bare = sum;
        bare.ridge = 0;
        const Matrix direction = predict(sum, along, {});
        const double value = loss_on_line(sum, predict(sum, point, {}), direction, 0.7, {});
        CHECK_CLOSE(value, evaluate(bare, point + 0.7 * along, {}).value, 1e-12);
    }
}

TEST_CASE("finite sum: the same bits for every number of threads") {
    const Example example(LossKind::Logistic, 40000, 20, true);
    const Vector point = sums::normal(21, 1, 8);
    const SumPoint one = evaluate(example.sum, point, {1, nullptr});
    const SumPoint two = evaluate(example.sum, point, {2, nullptr});
    CHECK(one.value == two.value);
    CHECK((one.gradient - two.gradient).isZero(0));
    CHECK((hessian_times(example.sum, one, point, {1, nullptr}) -
           hessian_times(example.sum, two, point, {2, nullptr}))
              .isZero(0));
}

TEST_CASE("preconditioner: all rows give the inverse of the Hessian, of one output") {
    for (const LossKind loss : {LossKind::Squared, LossKind::Logistic, LossKind::Poisson}) {
        for (const bool intercept : {false, true}) {
            const Example example(loss, 200, 6, intercept);
            const SumPoint at = evaluate(example.sum, Vector::Zero(example.sum.dimension()), {});
            Matrix h = sums::hessian(example.sum, at);
            h.topLeftCorner(6, 6).diagonal().array() += 0.3;
            for (const bool single : {false, true}) {
                const auto m =
                    gather_curvature(example.sum, at, {CurvatureSource::All, 0, single, 0}, {});
                CurvatureTerms terms;
                terms.diagonal = example.sum.ridge + 0.3;
                CHECK(m->factor(terms, {}));
                const Vector r = sums::normal(h.rows(), 1, 3);
                CHECK((h * m->solve(r) - r).norm() < (single ? 1e-4 : 1e-10));
            }
        }
    }
}

TEST_CASE("preconditioner: dense and low-rank terms are added, and negative curvature is noticed") {
    const Example example(LossKind::Logistic, 200, 6, false);
    const SumPoint at = evaluate(example.sum, Vector::Zero(6), {});
    const Matrix h = sums::hessian(example.sum, at);
    const Matrix a = sums::normal(6, 6, 4), dense = a * a.transpose();
    const Matrix u = sums::normal(6, 2, 5);
    const auto m = gather_curvature(example.sum, at, {CurvatureSource::All, 0, false, 0}, {});
    CurvatureTerms terms;
    terms.diagonal = example.sum.ridge;
    terms.dense = &dense;
    terms.low_rank = &u;
    CHECK(m->factor(terms, {}));
    const Vector r = sums::normal(6, 1, 3);
    CHECK(((h + dense + u * u.transpose()) * m->solve(r) - r).norm() < 1e-9);
    terms = {};
    terms.diagonal = -1;
    CHECK(!m->factor(terms, {}));
}

TEST_CASE("preconditioner: sketches and subsamples are near the Hessian") {
    const Example example(LossKind::Logistic, 3000, 6, true);
    const SumPoint at = evaluate(example.sum, Vector::Zero(7), {});
    const Matrix h = sums::hessian(example.sum, at);
    CurvatureTerms terms;
    terms.diagonal = example.sum.ridge;
    for (const CurvatureSource source : {CurvatureSource::Subsample, CurvatureSource::SparseSign,
                                         CurvatureSource::Srht, CurvatureSource::Gaussian}) {
        const auto m = gather_curvature(example.sum, at, {source, 800, true, 1}, {});
        CHECK(m->factor(terms, {}));
        Matrix preconditioned(7, 7);
        for (Index j = 0; j < 7; ++j) preconditioned.col(j) = m->solve(h.col(j));
        const Eigen::VectorXcd eigenvalues = preconditioned.eigenvalues();
        CHECK(eigenvalues.real().minCoeff() > 0.6);
        CHECK(eigenvalues.real().maxCoeff() < 1.7);
    }
}

TEST_CASE("preconditioner: Nystrom of full rank is the inverse, of no rank the diagonal's") {
    const Example example(LossKind::Logistic, 300, 6, true);
    const SumPoint at = evaluate(example.sum, Vector::Zero(7), {});
    FiniteSum bare = example.sum;
    bare.ridge = 0;
    const Matrix h = sums::hessian(bare, at);
    const Vector r = sums::normal(7, 1, 3);
    const auto full = gather_nystrom(example.sum, at, 7, 1, {});
    CHECK(full->factor({}, {}));
    CHECK((h * full->solve(r) - r).norm() < 1e-5);
    const auto none = gather_nystrom(example.sum, at, 0, 1, {});
    CHECK(none->factor({}, {}));
    CHECK((none->solve(r) - r.cwiseQuotient(h.diagonal())).norm() < 1e-10);
}

TEST_CASE("projected conjugate gradients solve the system, relaxed or not") {
    const Example example(LossKind::Logistic, 400, 6, true);
    const SumPoint at = evaluate(example.sum, Vector::Zero(7), {});
    const Matrix h = sums::hessian(example.sum, at);
    const auto m = gather_curvature(example.sum, at, {CurvatureSource::Subsample, 60, true, 0}, {});
    CurvatureTerms terms;
    terms.diagonal = example.sum.ridge;
    CHECK(m->factor(terms, {}));
    const Matrix g = sums::normal(2, 7, 6);
    for (const double relaxation : {0.0, 1e-3}) {
        Matrix a = Matrix::Zero(9, 9);
        a.topLeftCorner(7, 7) = h;
        a.bottomLeftCorner(2, 7) = g;
        a.topRightCorner(7, 2) = g.transpose();
        a.bottomRightCorner(2, 2).diagonal().setConstant(-relaxation);
        ProjectedCg cg;
        CHECK(cg.prepare([&](const Vector& v) -> Vector { return h * v; }, *m, g, relaxation));
        const Vector b = sums::normal(9, 1, 4);
        Vector z = sums::normal(9, 1, 5);
        for (const double tolerance : {1e-2, 1e-6, 1e-11}) {  // each continues the one before
            const double reached = cg.solve(b, tolerance, z, {});
            CHECK(reached <= tolerance);
            CHECK((a * z - b).norm() <= 1.01 * tolerance * b.norm() + 1e-14);
        }
        CHECK(cg.iterations() < 30);
        CHECK(!cg.negative_curvature());
        CHECK(cg.solve(Vector::Zero(9), 1e-8, z, {}) == 0 && z.isZero(0));
    }
}

TEST_CASE(
    "projected conjugate gradients: dependent constraints and negative curvature are noticed") {
    const Example example(LossKind::Logistic, 400, 6, false);
    const SumPoint at = evaluate(example.sum, Vector::Zero(6), {});
    const auto m = gather_curvature(example.sum, at, {CurvatureSource::All, 0, true, 0}, {});
    CurvatureTerms terms;
    terms.diagonal = example.sum.ridge;
    CHECK(m->factor(terms, {}));
    ProjectedCg cg;
    const auto product = [](const Vector& v) -> Vector { return -v; };
    CHECK(!cg.prepare(product, *m, Matrix::Ones(2, 6), 0));
    CHECK(cg.prepare(product, *m, Matrix::Ones(1, 6), 0));
    Vector z = Vector::Zero(7);
    cg.solve(sums::normal(7, 1, 4), 1e-8, z, {});
    CHECK(cg.negative_curvature());
    CHECK(z.allFinite());
}

TEST_CASE("newton sketch: the gradient vanishes, from zeros and from elsewhere") {
    for (const Example& example : examples()) {
        const FiniteSum& sum = example.sum;
        NewtonSketchOptions options;
        options.gradient_tolerance = 1e-11;
        const SumSolution found = solve_newton_sketch(sum, options, {});
        CHECK(found.status == cycloid::Status::Converged);
        CHECK(evaluate(sum, found.point, {}).gradient.lpNorm<Eigen::Infinity>() <= 1e-11);
        CHECK(found.gap < 1e-15);
        const Vector start = 5 * sums::normal(sum.dimension(), 1, 2);
        options.start = &start;
        const SumSolution again = solve_newton_sketch(sum, options, {});
        CHECK((again.point - found.point).norm() < 1e-8);
        CHECK(found.trace.rows() == std::size_t(found.n_iter) + 1);
    }
}

TEST_CASE("newton sketch: the gap bounds what is left, without an intercept") {
    const Example example(LossKind::Logistic, 200, 5, false);
    NewtonSketchOptions exact;
    exact.gradient_tolerance = 1e-13;
    const double best = solve_newton_sketch(example.sum, exact, {}).value;
    for (const double tolerance : {1e-1, 1e-2, 1e-4}) {
        NewtonSketchOptions options;
        options.gap_tolerance = tolerance;
        const SumSolution found = solve_newton_sketch(example.sum, options, {});
        CHECK(found.status == cycloid::Status::Converged);
        CHECK(found.gap <= tolerance);
        CHECK(found.value - best <= found.gap + 1e-15);
    }
}

TEST_CASE("newton sketch: a subsample gives the start, with the same bits for any threads") {
    const Example example(LossKind::Logistic, 6000, 8, true);
    NewtonSketchOptions options;
    options.gradient_tolerance = 1e-10;
    const SumSolution one = solve_newton_sketch(example.sum, options, {1, nullptr});
    const SumSolution two = solve_newton_sketch(example.sum, options, {2, nullptr});
    CHECK(one.status == cycloid::Status::Converged);
    CHECK((one.point - two.point).isZero(0));
}

TEST_CASE("newton sketch: a subsample without one of the classes does no harm") {
    Example example(LossKind::Logistic, 20000, 4, true);
    example.labels.setConstant(-1);
    example.labels.head(9).setOnes();
    NewtonSketchOptions options;
    options.gradient_tolerance = 1e-10;
    const SumSolution found = solve_newton_sketch(example.sum, options, {});
    CHECK(found.status == cycloid::Status::Converged);
    CHECK(found.n_iter < 30);
}

TEST_CASE("newton sketch: a time limit leaves a point with its value") {
    const Example example(LossKind::Logistic, 6000, 8, true);
    cycloid::Monitor monitor(nullptr, 0.0);
    const SumSolution found = solve_newton_sketch(example.sum, {}, {1, &monitor});
    CHECK(found.status == cycloid::Status::TimeLimit);
    CHECK_CLOSE(found.value, evaluate(example.sum, found.point, {}).value, 1e-14);
}

TEST_CASE("newton sketch: values that are not finite end the solve") {
    Example example(LossKind::Logistic, 50, 3, true);
    example.entries(7, 1) = NAN;
    const SumSolution found = solve_newton_sketch(example.sum, {}, {});
    CHECK(found.status == cycloid::Status::NumericalError);
}
