#include <numeric>

#include "check.hpp"
#include "cycloid/core/random.hpp"
#include "cycloid/ot/certificate.hpp"
#include "cycloid/ot/local_problem.hpp"
#include "cycloid/ot/solve.hpp"

using cycloid::Context;
using cycloid::Index;
using cycloid::Monitor;
using cycloid::Random;
using cycloid::Status;
using namespace cycloid::ot;

namespace {

std::vector<double> uniform(Index count, std::uint64_t seed) {
    Random random(seed);
    std::vector<double> values(static_cast<std::size_t>(count));
    for (double& v : values) v = random.uniform();
    return values;
}

Masses masses_of(Index n, Index m) {
    Masses masses{uniform(n, 1), uniform(m, 2)};
    for (std::vector<double>* side : {&masses.a, &masses.b}) {
        for (double& v : *side) v += 0.1;
        const double total = std::accumulate(side->begin(), side->end(), 0.0);
        for (double& v : *side) v /= total;
    }
    return masses;
}

Transport solved(const std::vector<double>& costs, const Masses& masses, double reg,
                 const Options& options) {
    const auto n = std::ssize(masses.a), m = std::ssize(masses.b);
    const auto cost = make_dense_cost(costs.data(), n, m, m);
    Monitor monitor;
    return solve({*cost, masses.a.data(), masses.b.data(), reg}, options, monitor);
}

}  // namespace

TEST_CASE("ot: dense and sparse kernels give the same products, for any number of threads") {
    const Index n = 37, m = 53;
    const std::vector<double> share = uniform(n * m, 3), x = uniform(m, 4), one(m, 1.0);
    std::vector<double> expected(m), s(n);
    for (Index i = 0; i < n; ++i) {
        for (Index j = 0; j < m; ++j) s[i] += double{static_cast<float>(share[i * m + j])} * x[j];
        for (Index j = 0; j < m; ++j) expected[j] += s[i] * share[i * m + j];
    }
    for (const Storage storage : {Storage::Dense, Storage::Sparse}) {
        Kernel kernel;
        const Pieces pieces(n, m);
        kernel.reset(pieces, m, storage);
        for (Index p = 0; p < pieces.count; ++p) {
            for (Index i = pieces.begin(p); i < pieces.end(p); ++i) {
                kernel.store(p, i, share.data() + i * m, one.data(), -1);
            }
        }
        CHECK(kernel.stored() == double(n * m));
        std::vector<double> out(m);
        kernel.apply(
            x,
            [&](Index i, double sum) {
                CHECK_CLOSE(sum, s[i], 1e-13);
                return sum;
            },
            out, Context{});
        for (Index j = 0; j < m; ++j) CHECK_CLOSE(out[j], expected[j], 1e-6);
    }
}

TEST_CASE("ot: a row pass makes the rows right and is exact about the columns") {
    const Index n = 9, m = 14;
    const Masses masses = masses_of(n, m);
    const std::vector<double> costs = uniform(n * m, 5);
    const auto cost = make_dense_cost(costs.data(), n, m, m);
    Kernel none;
    Point point;
    point.g = uniform(m, 6);
    const double reg = 0.05;
    row_pass(*cost, masses, reg, 0, Storage::None, none, point, Context{});
    std::vector<double> columns(m);
    for (Index i = 0; i < n; ++i) {
        double row = 0;
        for (Index j = 0; j < m; ++j) {
            const double p = std::exp((point.f[i] + point.g[j] - costs[i * m + j]) / reg);
            row += p, columns[j] += p;
        }
        CHECK_CLOSE(row / masses.a[i], 1.0, 1e-13);
    }
    for (Index j = 0; j < m; ++j) CHECK_CLOSE(columns[j], point.column_sums[j], 1e-13);
}

TEST_CASE("ot: Newton and scaling solve the local problem, whatever the kernel leaves out") {
    const Index n = 70, m = 60;
    const Masses masses = masses_of(n, m);
    const std::vector<double> costs = uniform(n * m, 7);
    const auto cost = make_dense_cost(costs.data(), n, m, m);
    for (const Storage storage : {Storage::Dense, Storage::Sparse}) {
        Kernel kernel;
        Point point;
        point.g.assign(m, 0.0);
        row_pass(*cost, masses, 0.05, 1e-9 / n, storage, kernel, point, Context{});
        const Context context;
        LocalProblem scaled(kernel, masses, point, context), newton(kernel, masses, point, context);
        CHECK_CLOSE(scaled.error(), point.error, 1e-12);
        Effort effort;
        Relaxation relaxation;
        NewtonMemory memory;
        scaled.scale(1e-11, 500, relaxation, effort);
        newton.newton(1e-11, 50, memory, effort);
        CHECK(scaled.error() <= 1e-11);
        CHECK(newton.error() <= 1e-11);
        const Eigen::ArrayXd gap = scaled.step() - newton.step();
        CHECK((gap - gap[0]).abs().maxCoeff() < 1e-7);
    }
}

TEST_CASE("ot: all methods find the same plan") {
    const Masses masses = masses_of(20, 30);
    const std::vector<double> costs = uniform(600, 8);
    std::vector<double> values;
    for (const Method method : {Method::Auto, Method::Sinkhorn, Method::Sns}) {
        Options options;
        options.method = method;
        options.tol = 1e-12;
        options.density = 0.8;
        const Transport result = solved(costs, masses, 0.05, options);
        CHECK(result.status == Status::Converged);
        CHECK(result.violation <= 1e-12);
        CHECK(result.gap < 1e-11);
        values.push_back(result.value);
    }
    CHECK_CLOSE(values[0], values[1], 1e-12);
    CHECK_CLOSE(values[0], values[2], 1e-12);
}

TEST_CASE("ot: masses scale the plan, and bins without mass are left out") {
    const std::vector<double> costs = uniform(600, 9);
    Masses masses = masses_of(20, 30);
    const Transport one = solved(costs, masses, 0.05, {});
    for (double& a : masses.a) a *= 3;
    for (double& b : masses.b) b *= 3;
    const Transport three = solved(costs, masses, 0.05, {});
    CHECK_CLOSE(three.transport_cost, 3 * one.transport_cost, 1e-8);
    masses.a[4] = masses.b[29] = 0;
    const Transport fewer = solved(costs, masses, 0.05, {});
    CHECK(fewer.status == Status::Converged);
    CHECK(std::isinf(fewer.f[4]) && std::isinf(fewer.g[29]) && std::isfinite(fewer.f[5]));
}

TEST_CASE("ot: a solve that may not begin still certifies what it returns") {
    const Masses masses = masses_of(10, 10);
    const std::vector<double> costs = uniform(100, 10);
    const auto cost = make_dense_cost(costs.data(), 10, 10, 10);
    Monitor monitor(nullptr, 0.0);
    const Transport result =
        solve({*cost, masses.a.data(), masses.b.data(), 1e-3}, Options{}, monitor);
    CHECK(result.status == Status::TimeLimit);
    CHECK(std::isfinite(result.gap) && result.violation <= 2);
}
