#include <Eigen/Eigenvalues>

#include "check.hpp"
#include "cycloid/core/random.hpp"
#include "cycloid/newton/symmetric_factor.hpp"

using cycloid::Index;
using cycloid::newton::Matrix;
using cycloid::newton::SymmetricFactor;
using cycloid::newton::Vector;

namespace {

Matrix random_symmetric(Index n, std::uint64_t seed) {
    cycloid::Random random(seed);
    Matrix a(n, n);
    for (Index i = 0; i < n; ++i) {
        for (Index j = 0; j <= i; ++j) a(i, j) = a(j, i) = random.uniform() - 0.5;
    }
    return a;
}

// [I G'; G 0] with every diagonal entry that a 1 x 1 pivot could use set to zero
Matrix saddle(Index n, Index m, std::uint64_t seed) {
    Matrix a = Matrix::Zero(n + m, n + m);
    a.bottomLeftCorner(m, n) = random_symmetric(n, seed).topRows(m);
    a.topRightCorner(n, m) = a.bottomLeftCorner(m, n).transpose();
    for (Index i = 0; i + 1 < n; i += 2) a(i, i + 1) = a(i + 1, i) = 1;
    return a;
}

double solve_error(const Matrix& a, int n_threads = 1) {
    SymmetricFactor factor;
    factor.factorize(a.triangularView<Eigen::Lower>(), {.n_threads = n_threads});
    const Vector expected = Vector::LinSpaced(a.rows(), -1, 2);
    Vector x = a * expected;
    factor.solve(x);
    return (x - expected).lpNorm<Eigen::Infinity>();
}

void check_inertia(const Matrix& a) {
    SymmetricFactor factor;
    CHECK(factor.factorize(a, {}));
    const Vector values = Eigen::SelfAdjointEigenSolver<Matrix>(a).eigenvalues();
    CHECK(factor.positive() == (values.array() > 1e-10).count());
    CHECK(factor.negative() == (values.array() < -1e-10).count());
    CHECK(factor.zero() == (values.array().abs() <= 1e-10).count());
}

}  // namespace

TEST_CASE("symmetric factor: solves indefinite systems of all sizes around the panel's") {
    for (const Index n : {1, 2, 3, 7, 47, 48, 49, 50, 95, 97, 145, 260}) {
        CHECK(solve_error(random_symmetric(n, std::uint64_t(n))) < 1e-8);
    }
    for (const Index n : {2, 6, 40, 60, 100, 200}) CHECK(solve_error(saddle(n, n / 2, 5)) < 1e-8);
}

TEST_CASE("symmetric factor: its inertia is that of the eigenvalues") {
    for (const Index n : {1, 2, 5, 30, 60, 120}) check_inertia(random_symmetric(n, 3));
    for (const Index n : {4, 30, 80}) check_inertia(saddle(n, n / 2, 4));
    Matrix a = Matrix::Zero(3, 3);
    check_inertia(a);
    a(0, 1) = a(1, 0) = 1;
    check_inertia(a);
    Matrix twice = saddle(20, 6, 8);  // a constraint that stands there twice
    twice.row(25) = twice.row(24);
    twice.col(25) = twice.col(24);
    check_inertia(twice);
}

TEST_CASE("symmetric factor: zero rows are left out of the solution") {
    Matrix a = Matrix::Zero(3, 3);
    a(0, 0) = 2;
    SymmetricFactor factor;
    factor.factorize(a, {});
    Vector x = Vector::Constant(3, 4.0);
    factor.solve(x);
    CHECK(x == Vector({{2.0, 0.0, 0.0}}));
}

TEST_CASE("symmetric factor: the same bits for every number of threads") {
    const Matrix a = saddle(420, 130, 1);
    SymmetricFactor one, two;
    one.factorize(a, {.n_threads = 1});
    two.factorize(a, {.n_threads = 2});
    Vector x = Vector::LinSpaced(550, -1, 2), y = x;
    one.solve(x);
    two.solve(y);
    CHECK(x == y);
}
