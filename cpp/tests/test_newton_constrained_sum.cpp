#include "check.hpp"
#include "cycloid/newton/constrained_sum.hpp"
#include "cycloid/newton/solve.hpp"
#include "newton_sums.hpp"

using cycloid::Index;
using cycloid::Monitor;
using cycloid::Status;
using namespace cycloid::newton;
using sums::Example;

namespace {

SumConstraints some_constraints(Index size) {
    SumConstraints out;
    out.a = sums::normal(2, size, 21);
    out.b = 0.3 * sums::normal(2, 1, 22);
    out.squared_norm = 0.8;
    const Matrix q = sums::normal(size, size, 23);
    out.quadratics.push_back({q + q.transpose(), sums::normal(size, 1, 24), 0.1});
    return out;
}

}  // namespace

TEST_CASE("constrained sum: Jacobian and Hessian of the Lagrangian are those of the values") {
    for (const bool intercept : {false, true}) {
        const Example example(LossKind::Logistic, 60, 5, intercept);
        const SumConstraints constraints = some_constraints(5);
        ConstrainedSum problem(example.sum, constraints, 0, {});
        CHECK(problem.n() == example.sum.dimension() && problem.m() == 4);
        const Vector x = 0.5 * sums::normal(problem.n(), 1, 8), y = sums::normal(4, 1, 9);
        const Matrix jacobian = *problem.jacobian(x)->dense();
        const Map hessian = problem.hessian(x, y);
        const double step = 1e-5;
        for (Index j = 0; j < problem.n(); ++j) {
            const Vector e = step * Vector::Unit(problem.n(), j);
            const auto lagrangian_gradient = [&](const Vector& at) -> Vector {
                return problem.gradient(at) + problem.jacobian(at)->transposed_times(y);
            };
            const Vector row = (problem.constraints(x + e) - problem.constraints(x - e)) / 2 / step;
            CHECK((jacobian.col(j) - row).norm() < 1e-8);
            const Vector bend =
                (lagrangian_gradient(x + e) - lagrangian_gradient(x - e)) / 2 / step;
            CHECK((hessian->times(Vector::Unit(problem.n(), j)) - bend).norm() < 1e-8);
        }
        CHECK(hessian->finite());
    }
}

TEST_CASE("constrained sum: first points satisfy what they can") {
    const Example example(LossKind::Logistic, 60, 5, true);
    SumConstraints constraints = some_constraints(5);
    constraints.quadratics.clear();
    const auto violation = [&] {
        ConstrainedSum problem(example.sum, constraints, 0, {});
        return problem.constraints(first_point(example.sum, constraints, {}));
    };
    CHECK(violation().norm() < 1e-12);
    constraints.b *= 100;  // beyond the norm
    CHECK(violation().head(2).norm() < 1e-10);
    CHECK(violation().allFinite());
    constraints.a.resize(0, 5);
    constraints.b.resize(0);
    CHECK(violation().norm() < 1e-12);
    constraints.squared_norm.reset();
    constraints.quadratics.push_back({2 * Matrix::Identity(5, 5), Vector::Zero(5), 0.5});
    CHECK(violation().norm() < 1e-12);
    constraints.quadratics[0].value = -1;  // no such point
    CHECK(violation().allFinite());
}

TEST_CASE("constrained sum: solved to first order, with every loss and kind of rows") {
    for (const LossKind loss : {LossKind::Squared, LossKind::Logistic, LossKind::Poisson}) {
        const Example example(loss, 300, 6, true);
        SumConstraints constraints = some_constraints(6);
        constraints.quadratics.clear();
        ConstrainedSum problem(example.sum, constraints, 1, {});
        Monitor monitor;
        Options options;
        options.tol = 1e-9;
        const Vector start = first_point(example.sum, constraints, {});
        const Solution found = solve(problem, start, options, monitor);
        CHECK(found.status == Status::Converged);
        const Vector slope =
            problem.gradient(found.x) + problem.jacobian(found.x)->transposed_times(found.y);
        CHECK(slope.norm() < 1e-9);
        CHECK(problem.constraints(found.x).norm() < 1e-9);
        CHECK(found.n_inner > 0);
    }
}

TEST_CASE("constrained sum: the system is solved where the Hessian is indefinite") {
    const Example example(LossKind::Logistic, 300, 6, false);
    SumConstraints constraints;
    constraints.a.resize(0, 6);
    constraints.squared_norm = 1.0;
    ConstrainedSum problem(example.sum, constraints, 1, {});
    const Vector x = sums::normal(6, 1, 2).normalized();
    // A negative multiplier that takes the least eigenvalue of H below zero.
    const double least =
        sums::hessian(example.sum, evaluate(example.sum, x, {})).eigenvalues().real().minCoeff();
    const Vector y = Vector::Constant(1, -0.5 * least - 1e-3);
    const System system{problem.hessian(x, y), problem.jacobian(x)};
    Matrix all(7, 7);
    for (Index j = 0; j < 7; ++j) all.col(j) = system.times(Vector::Unit(7, j));
    const Eigen::SelfAdjointEigenSolver<Matrix> eigen(all);
    const Index negative = (eigen.eigenvalues().array() < 0).count();
    const auto solver = problem.make_solver();
    const Inertia inertia = solver->prepare(system, {});
    CHECK((inertia == Inertia::Correct) == (negative == 1));
    const System shifted{system.hessian, system.jacobian, 1.0, 0.0};
    CHECK(solver->prepare(shifted, {}) == Inertia::Correct);
    const Vector b = sums::normal(7, 1, 3);
    Vector z = Vector::Zero(7);
    CHECK(solver->solve(b, 1e-10, z, {}) <= 1e-10);
    CHECK((shifted.times(z) - b).norm() <= 1e-9 * b.norm());
    CHECK_THROWS(solver->prepare({make_identity(6, 1.0, false), system.jacobian}, {}));
}
