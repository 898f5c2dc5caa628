#include "check.hpp"
#include "cycloid/core/random.hpp"
#include "cycloid/newton/inner.hpp"

using cycloid::Index;
using namespace cycloid::newton;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

// n variables in a chain with n / 2 constraints; the Hessian is indefinite, but positive definite
// on the null space of the Jacobian if `convex`.
System chain(Index n, bool sparse, bool convex) {
    const Index m = n / 2;
    Matrix h = Matrix::Zero(n, n), g = Matrix::Zero(m, n);
    for (Index i = 0; i < n; ++i) {
        h(i, i) = i < m ? -0.5 : 3.0;
        if (i + 1 < n) h(i, i + 1) = h(i + 1, i) = 0.2;
    }
    if (!convex) h(n - 1, n - 1) = -3;
    for (Index j = 0; j < m; ++j) {
        g(j, j) = 2;
        g(j, j + m) = 1;
    }
    if (!sparse) return {make_map(h), make_map(g)};
    return {make_map(SparseMatrix(h.sparseView())), make_map(SparseMatrix(g.sparseView()))};
}

// The same without entries.
class Products final : public LinearMap {
public:
    explicit Products(Map map) : map_(std::move(map)) {}
    Index rows() const override { return map_->rows(); }
    Index columns() const override { return map_->columns(); }
    Vector times(const Vector& v) const override { return map_->times(v); }
    Vector transposed_times(const Vector& v) const override { return map_->transposed_times(v); }

private:
    Map map_;
};

System without_entries(const System& system) {
    return {std::make_shared<Products>(system.hessian), std::make_shared<Products>(system.jacobian),
            system.shift, system.relaxation};
}

void check_solves(LinearSolver& solver, const System& system, double tolerance) {
    const Index size = system.n() + system.m();
    const Vector b = system.times(Vector::LinSpaced(size, -1, 2));
    Vector z = Vector::Zero(size);
    solver.prepare(system, {});
    const double reached = solver.solve(b, tolerance, z, {});
    const double truth = (b - system.times(z)).norm() / b.norm();
    CHECK_CLOSE(reached, truth, 1e-14);
    CHECK(truth <= tolerance);
    CHECK(solver.solve(b, tolerance, z, {}) <= tolerance);  // nothing is lost by asking again
    CHECK(solver.solve(Vector::Zero(size), tolerance, z, {}) == 0);
    CHECK(z.isZero(0));
}

}  // namespace

TEST_CASE("newton inner: every solver reaches the residual it is asked for") {
    for (const bool sparse : {false, true}) {
        System system = chain(12, sparse, true);
        for (const double shift : {0.0, 1.0}) {
            system.shift = shift;
            system.relaxation = shift / 10;
            check_solves(*make_dense_ldlt(), system, 1e-12);
            check_solves(*make_sparse_ldlt(), system, 1e-12);
            check_solves(*make_minres({}), system, 1e-10);
            check_solves(*make_minres({}), without_entries(system), 1e-10);
            check_solves(*make_gaussian({}), system, 1e-4);
            check_solves(*make_gaussian({}), without_entries(system), 1e-4);
            check_solves(*make_kaczmarz({}), system, 1e-4);
        }
    }
    check_solves(*make_sparse_ldlt(), chain(400, true, true), 1e-12);
    check_solves(*make_minres({}), chain(400, true, true), 1e-8);
}

TEST_CASE("newton inner: without constraints") {
    const System system{make_identity(5, 2.0, false), make_map(Matrix(0, 5))};
    for (const Inner inner :
         {Inner::Auto, Inner::Ldlt, Inner::Minres, Inner::Gaussian, Inner::Kaczmarz}) {
        check_solves(*make_solver(inner, system, {}), system, 1e-6);
    }
    const System sparse{make_identity(5, 2.0, true), make_map(SparseMatrix(0, 5))};
    check_solves(*make_sparse_ldlt(), sparse, 1e-12);
}

TEST_CASE("newton inner: direct solvers know the inertia") {
    for (const bool sparse : {false, true}) {
        for (const bool convex : {false, true}) {
            const Inertia expected = convex ? Inertia::Correct : Inertia::Wrong;
            CHECK(make_dense_ldlt()->prepare(chain(12, sparse, convex), {}) == expected);
            CHECK(make_sparse_ldlt()->prepare(chain(12, sparse, convex), {}) == expected);
        }
    }
    System twice = chain(12, false, true);
    Matrix g = *twice.jacobian->dense();
    g.row(1) = g.row(0);
    twice.jacobian = make_map(g);
    CHECK(make_dense_ldlt()->prepare(twice, {}) == Inertia::Singular);
    twice.relaxation = 1e-8;
    twice.shift = 1;  // for the variable that the lost row had held
    CHECK(make_dense_ldlt()->prepare(twice, {}) == Inertia::Correct);
}

TEST_CASE("newton inner: a sparse system with a zero Hessian, far from quasi-definite") {
    const Index n = 60;
    SparseMatrix g(n, n);
    for (Index i = 0; i < n; ++i) {
        g.insert(i, i) = 1e-3;
        if (i + 1 < n) g.insert(i, i + 1) = 1;
    }
    for (Index i = 0; i < n; ++i) g.coeffRef(n - 1, i) += 0.5;
    const System system{make_identity(n, 0.0, true), make_map(g)};
    check_solves(*make_sparse_ldlt(), system, 1e-10);
}

TEST_CASE("newton inner: an inconsistent system ends with its residual") {
    Matrix g = Matrix::Ones(2, 3);
    const System system{make_identity(3, 1.0, false), make_map(g)};
    const Vector b{{0, 0, 0, 1, -1}};
    for (const Inner inner : {Inner::Ldlt, Inner::Minres, Inner::Gaussian, Inner::Kaczmarz}) {
        auto solver = make_solver(inner, system, {.max_inner = 2000});
        Vector z = Vector::Zero(5);
        solver->prepare(system, {});
        const double reached = solver->solve(b, 1e-8, z, {});
        CHECK(reached > 0.5);
        CHECK(reached < infinity);
    }
}

TEST_CASE("newton inner: the same seed gives the same steps") {
    const System system = chain(10, false, true);
    const Vector b = Vector::Ones(15);
    const auto run = [&](std::uint64_t seed) {
        auto solver = make_gaussian({.max_inner = 100, .seed = seed});
        Vector z = Vector::Zero(15);
        solver->prepare(system, {});
        solver->solve(b, 0, z, {});
        return z;
    };
    CHECK(run(1) == run(1));
    CHECK(run(1) != run(2));
}
