#include "check.hpp"
#include "cycloid/core/random.hpp"
#include "cycloid/ot/barycenter.hpp"
#include "cycloid/ot/soft_min.hpp"

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

// Rows of sum one.
std::vector<double> histograms(Index count, Index n, std::uint64_t seed) {
    std::vector<double> rows = uniform(count * n, seed);
    for (Index k = 0; k < count; ++k) {
        double total = 0;
        for (Index i = 0; i < n; ++i) total += rows[k * n + i];
        for (Index i = 0; i < n; ++i) rows[k * n + i] /= total;
    }
    return rows;
}

class Stopper final : public cycloid::Observer {
public:
    bool wants_stop(const cycloid::Trace&) override { return true; }
    bool interrupted() override { return false; }
};

}  // namespace

TEST_CASE("ot batch: each problem is solved as if it were alone, for any number of threads") {
    const Index count = 7, n = 20, m = 30;
    const std::vector<double> a = histograms(count, n, 1), b = histograms(1, m, 2);
    const std::vector<double> costs = uniform(n * m, 3);
    const auto cost = make_dense_cost(costs.data(), n, m, m);
    const Batch batch{*cost, {a.data(), n}, {b.data(), 0}, {}, count, 0.05};
    for (const int n_threads : {1, 3, 16}) {
        Options options;
        options.n_threads = n_threads;
        Monitor monitor;
        const BatchResult result = solve_batch(batch, options, monitor);
        CHECK(result.trace.rows() == std::size_t(count));
        for (Index k = 0; k < count; ++k) {
            Monitor clock;
            const Transport alone = solve({*cost, a.data() + k * n, b.data(), 0.05}, {}, clock);
            CHECK(result.problems[k].f == alone.f);
            CHECK(result.problems[k].gap == alone.gap);
            CHECK(result.problems[k].status == Status::Converged);
        }
    }
}

TEST_CASE("ot batch: an observer ends it, and problems not begun have no potentials") {
    const Index count = 50, n = 10;
    const std::vector<double> a = histograms(count, n, 1), costs = uniform(n * n, 3);
    const auto cost = make_dense_cost(costs.data(), n, n, n);
    Stopper stopper;
    Monitor monitor(&stopper);
    const BatchResult result =
        solve_batch({*cost, {a.data(), n}, {a.data(), 0}, {}, count, 0.05}, {}, monitor);
    CHECK(result.problems.front().status == Status::Converged);
    CHECK(result.problems.back().status == Status::Stopped);
    CHECK(result.problems.back().f.empty());
}

TEST_CASE("ot barycenter: all plans reach it, and the potentials sum to zero") {
    const Index count = 3, n = 25, m = 20;
    const std::vector<double> costs = uniform(n * m, 4);
    std::vector<double> a = histograms(count, n, 5);
    a[3] += a[0], a[0] = 0;
    const auto cost = make_dense_cost(costs.data(), n, m, m);
    const BarycenterProblem problem{*cost, {a.data(), n}, {0.5, 0.2, 0.3}, 0.01};
    std::vector<std::vector<double>> found;
    for (const int n_threads : {1, 2, 8}) {
        BarycenterOptions options;
        options.n_threads = n_threads;
        options.tol = 1e-11;
        Monitor monitor;
        const Barycenter result = solve_barycenter(problem, options, monitor);
        CHECK(result.status == Status::Converged);
        CHECK(result.violation <= 1e-11);
        CHECK(result.gap < 1e-9);
        for (Index j = 0; j < m; ++j) {
            double sum = 0;
            for (Index k = 0; k < count; ++k) {
                sum += problem.weights[k] * result.g[k][j];
                double reached = 0;
                for (Index i = 0; i < n; ++i) {
                    reached +=
                        std::exp((result.f[k][i] + result.g[k][j] - costs[i * m + j]) / 0.01);
                }
                CHECK_CLOSE(reached, result.b[j], 1e-10);
            }
            CHECK_CLOSE(sum, 0.0, 1e-13);
        }
        found.push_back(result.b);
    }
    CHECK(found[0] == found[1] && found[0] == found[2]);
}

TEST_CASE("ot soft minima: rows and columns, masses of zero, any number of threads") {
    const Index n = 700, m = 530;
    constexpr double infinity = std::numeric_limits<double>::infinity(), reg = 1e-3;
    const std::vector<double> costs = uniform(n * m, 1), f = uniform(n, 2), g = uniform(m, 3);
    std::vector<double> log_a = uniform(n, 4), log_b = uniform(m, 5);
    for (Index i = 0; i < 40; ++i) log_a[i] = log_b[m - 1 - i] = -infinity;
    const auto cost = make_dense_cost(costs.data(), n, m, m);
    for (const int n_threads : {1, 4}) {
        const cycloid::Context context{n_threads, nullptr};
        std::vector<double> rows(n), columns(m);
        soft_min_rows(*cost, g, log_b, reg, rows, context);
        soft_min_columns(*cost, f, log_a, reg, columns, context);
        for (Index i = 0; i < n; i += 50) {
            double sum = 0;  // relative to the result
            for (Index j = 0; j < m; ++j) {
                sum += std::exp((g[j] - costs[i * m + j] + rows[i]) / reg + log_b[j]);
            }
            CHECK_CLOSE(sum, 1.0, 1e-12);
        }
        for (Index j = 0; j < m; j += 50) {
            double sum = 0;
            for (Index i = 0; i < n; ++i) {
                sum += std::exp((f[i] - costs[i * m + j] + columns[j]) / reg + log_a[i]);
            }
            CHECK_CLOSE(sum, 1.0, 1e-12);
        }
    }
}
