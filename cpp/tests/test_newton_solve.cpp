#include <stdexcept>

#include "check.hpp"
#include "cycloid/newton/solve.hpp"
#include "newton_problem.hpp"

using namespace cycloid::newton;
using cycloid::Index;
using cycloid::Monitor;
using cycloid::Status;

namespace {

Solution run(Problem& problem, const Vector& x, const Options& options = {}) {
    Monitor monitor;
    return solve(problem, x, options, monitor);
}

// min a'x subject to c(x) = 0 with given functions.
class Circles final : public Problem {
public:
    Circles(double first, double second) : radii_{first, second} {}
    Index n() const override { return 2; }
    Index m() const override { return 2; }
    double objective(const Vector& x) override { return x[0]; }
    Vector constraints(const Vector& x) override {
        return Vector{{x.squaredNorm() - radii_[0], x.squaredNorm() - radii_[1]}};
    }
    Vector gradient(const Vector&) override { return Vector{{1.0, 0.0}}; }
    Map jacobian(const Vector& x) override {
        return make_map(Matrix(Vector{{2.0, 2.0}} * x.transpose()));
    }
    Map hessian(const Vector&, const Vector& y) override {
        return make_identity(2, 2 * y.sum(), false);
    }

private:
    double radii_[2];
};

class Throws final : public Hs40 {
public:
    double objective(const Vector& x) override {
        if (++calls == 3) throw std::runtime_error("third call");
        return Hs40::objective(x);
    }
    int calls = 0;
};

}  // namespace

TEST_CASE("newton solve: HS40 with every inner solver") {
    Hs40 problem;
    for (const Inner inner :
         {Inner::Auto, Inner::Ldlt, Inner::Minres, Inner::Gaussian, Inner::Kaczmarz}) {
        const Solution found = run(problem, Hs40::start(), {.inner = inner, .tol = 1e-6});
        CHECK(found.status == Status::Converged);
        CHECK(found.violation <= 1e-6);
        CHECK_CLOSE(found.objective, -0.25, 1e-6);
        CHECK(found.trace.rows() == static_cast<std::size_t>(found.n_iter + 1));
    }
}

TEST_CASE("newton solve: the paper's accuracy rule") {
    Hs40 problem;
    for (const Inner inner : {Inner::Gaussian, Inner::Kaczmarz}) {
        const Options options{.inner = inner, .accuracy = Accuracy::Adaptive, .tol = 1e-4};
        const Solution found = run(problem, Hs40::start(), options);
        CHECK(found.status == Status::Converged);
        CHECK(found.n_iter <= 6);
    }
}

TEST_CASE("newton solve: a step out of the domain is shortened") {
    Logarithm problem;
    const Solution found = run(problem, Vector{{2.5}});  // the full step ends at -1.25
    CHECK(found.status == Status::Converged);
    CHECK_CLOSE(found.x[0], 1.0, 1e-8);
    const Solution outside = run(problem, Vector{{-1.0}});
    CHECK(outside.status == Status::NumericalError);
    CHECK(outside.x[0] == -1.0);
}

TEST_CASE("newton solve: constraints that are there twice, and that contradict each other") {
    Circles twice(4, 4);
    const Solution found = run(twice, Vector{{1.0, 1.0}});
    CHECK(found.status == Status::Converged);
    CHECK_CLOSE(found.x[0], -2.0, 1e-7);
    Circles contradicting(4, 1);
    const Solution none = run(contradicting, Vector{{1.0, 1.0}});
    CHECK(none.status == Status::Infeasible);
    CHECK_CLOSE(none.x.squaredNorm(), 2.5, 1e-6);
    CHECK(none.n_iter < 100);
}

TEST_CASE("newton solve: what a problem throws passes through") {
    Throws problem;
    CHECK_THROWS(run(problem, Hs40::start()));
    CHECK(problem.calls == 3);
}

TEST_CASE("newton solve: the iteration limit, and a solve that has nothing to do") {
    Hs40 problem;
    CHECK(run(problem, Hs40::start(), {.max_iter = 0}).status == Status::MaxIter);
    CHECK(run(problem, Hs40::start(), {.max_iter = 1}).n_iter == 1);
    const Solution found = run(problem, Hs40::start());
    const Solution again = run(problem, found.x, {.y = found.y.data()});
    CHECK(again.n_iter == 0);
    CHECK(again.status == Status::Converged);
}
