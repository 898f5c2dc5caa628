#include "check.hpp"
#include "cycloid/bcd/positive_definite.hpp"
#include "sparse_graphs.hpp"

using cycloid::Monitor;
using cycloid::Status;
using namespace cycloid::bcd;
using namespace sparse_graphs;

namespace {

constexpr Index width = 3;

PositiveDefiniteSolution solve(const GraphSystem& system, std::vector<double>& x,
                               const PositiveDefiniteOptions& options = {}) {
    const Index n = system.matrix.size();
    x.assign(at(n * width), 0.0);
    const std::vector<double> b = uniform(n * width, 17);
    Monitor monitor;
    auto found = solve_positive_definite(system, b.data(), width, x.data(), options, monitor);
    if (found.status == Status::Converged && found.positive_definite) {
        CHECK(residual(system.matrix, b, x, width) <= options.rtol * std::sqrt(n));
        CHECK(found.violation <= options.rtol);
    }
    return found;
}

}  // namespace

TEST_CASE("elimination: solves by itself what has small cliques") {
    for (const Index n : {1, 2, 7, 100}) {
        std::vector<double> x;
        const auto found = solve(make_system(random_forest(n, 3)), x);
        CHECK(found.status == Status::Converged);
        CHECK(found.n_eliminated == n);
        CHECK(found.n_factor <= 2 * n);  // no fill in a forest
        CHECK(found.n_iter == 0);
    }
    std::vector<double> x;
    CHECK(solve(make_system(lattice(12, 13, 0.1)), x).n_eliminated == 156);
    CHECK(solve(make_system(random_graph(60, 0.1, 2)), x).n_eliminated == 60);
}

TEST_CASE("elimination: every limit and preconditioner gives the same solution") {
    for (const auto& matrix : {lattice(30, 31, 0.01), random_graph(200, 0.1, 4)}) {
        const GraphSystem system = make_system(matrix);
        std::vector<double> expected, x;
        PositiveDefiniteOptions options;
        options.rtol = 1e-12;
        options.limits = {.degree = 1000, .fill = 1000};
        CHECK(solve(system, expected, options).n_iter == 0);
        for (const Index degree : {-1, 0, 1, 2, 4, 8}) {
            for (const auto kind : {Preconditioner::Forest, Preconditioner::Sampled}) {
                if (kind == Preconditioner::Sampled && !system.is_dominant()) continue;
                options.limits.degree = degree;
                options.preconditioner = kind;
                const auto found = solve(system, x, options);
                CHECK(found.status == Status::Converged);
                CHECK(found.n_iter > 0 && found.n_iter < 300);
                CHECK(degree >= 0 || found.n_eliminated == 0);
                double worst = 0;
                for (std::size_t k = 0; k < x.size(); ++k) {
                    worst = std::max(worst, std::abs(x[k] - expected[k]));
                }
                CHECK(worst < 1e-9);
                if (system.is_dominant()) CHECK(worst <= 2 * found.error_bound);
                if (system.is_dominant()) CHECK(found.error_bound < 1e-7);
            }
        }
    }
}

TEST_CASE("elimination: hubs of many neighbours") {
    Builder star(3000, 1e-3);
    for (Index i = 2; i < 3000; ++i) {
        star.couple(i % 2, i, -1, 1);
        star.couple(i, (i * 7) % 3000, -0.5, 1);
    }
    std::vector<double> x;
    const auto found = solve(make_system(star.matrix()), x);
    CHECK(found.status == Status::Converged);
    CHECK(found.error_bound < 1e-5);
}

TEST_CASE("elimination: a dominant system keeps relative accuracy where row sums nearly vanish") {
    // Two nodes tied by weight 1, and one of them tied to the ground by 1e-30: in floating point
    // the matrix alone is singular, its row sums say that x = 1e30 of them.
    Builder pair(2, 0.0);
    pair.couple(0, 1, -1, 1);
    const GraphSystem system{pair.matrix(), {1e-30, 0.0}};
    GraphSystem core;
    const Elimination done = eliminate(system, {}, {}, core);
    CHECK(done.positive);
    std::vector<double> x{1e-30, 0.0};  // the ground is at height one
    done.forward(x.data(), 1);
    done.backward(x.data(), 1);
    CHECK_CLOSE(x[0], 1.0, 1e-15);
    CHECK_CLOSE(x[1], 1.0, 1e-15);
}

TEST_CASE("elimination: the diagonal of the inverse") {
    for (const auto& matrix :
         {random_forest(50, 5), random_graph(60, 0.1, 6), lattice(7, 8, 0.1)}) {
        const GraphSystem system = make_system(matrix);
        const Index n = matrix.size();
        GraphSystem core;
        const Elimination done = eliminate(system, {.degree = n, .fill = 1e3}, {}, core);
        CHECK(done.kept.empty());
        const std::vector<double> diagonal = inverse_diagonal(done, {});
        for (Index i = 0; i < n; ++i) {
            std::vector<double> column(at(n), 0.0);
            column[at(i)] = 1;
            done.forward(column.data(), 1);
            done.backward(column.data(), 1);
            CHECK_CLOSE(diagonal[at(i)], column[at(i)], 1e-13);
        }
    }
}

TEST_CASE("elimination: what is not positive definite is reported") {
    Builder pair(2, 1.0);
    pair.couple(0, 1, 2.0, 0.0);
    std::vector<double> x;
    CHECK(!solve(make_system(pair.matrix()), x).positive_definite);
    CHECK(!solve(make_system(lattice(4, 4, 0.0)), x).positive_definite);
    Builder large(300, 1.0);
    for (Index i = 0; i < 300; ++i) {
        for (Index j = 0; j < i; ++j) large.couple(i, j, (i + j) % 3 == 0 ? 2.0 : 0.1, 0.0);
    }
    CHECK(!solve(make_system(large.matrix()), x).positive_definite);
}

TEST_CASE("elimination: limits of iterations and of time") {
    std::vector<double> x;
    PositiveDefiniteOptions options;
    options.limits.degree = 2;
    options.preconditioner = Preconditioner::Forest;
    options.max_iter = 2;
    const GraphSystem system = make_system(random_graph(200, 0.1, 4));
    const auto found = solve(system, x, options);
    CHECK(found.status == Status::MaxIter);
    CHECK(found.n_iter == 2);
    CHECK(found.violation < 1);
    const std::vector<double> b = uniform(200, 3);
    Monitor late(nullptr, 0.0);
    std::vector<double> y(200);
    CHECK(solve_positive_definite(system, b.data(), 1, y.data(), options, late).status ==
          Status::TimeLimit);
}
