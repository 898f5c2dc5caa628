#include "check.hpp"
#include "cycloid/bcd/dual_solver.hpp"
#include "cycloid/core/random.hpp"

using cycloid::Context;
using cycloid::Index;
using cycloid::Random;
using namespace cycloid::bcd;

namespace {

constexpr Index n = 40, p = 120, per_column = 4;

// A sparse logistic problem, one of its samples without weight, at the null model.
struct Data {
    std::vector<double> values, y, w, u, slope;
    std::vector<std::int32_t> indices, starts{0};

    Data() : y(n), w(n), u(n), slope(p) {
        Random random(3);
        double total = 0;
        for (Index i = 0; i < n; ++i) {
            y[i] = random.uniform() < 0.4 ? 1 : -1;
            w[i] = i == 7 ? 0 : 0.5 + random.uniform();
            total += w[i];
        }
        for (double& v : w) v /= total;
        for (Index i = 0; i < n; ++i) u[i] = 0.5 * w[i] * y[i];
        for (Index j = 0; j < p; ++j) {
            for (Index k = 0; k < per_column; ++k) {
                const Index i = 10 * k + (3 * j + k) % 10;
                indices.push_back(static_cast<std::int32_t>(i));
                values.push_back(static_cast<float>(random.uniform() - 0.3));
                slope[j] += u[i] * values.back();
            }
            starts.push_back(static_cast<std::int32_t>(values.size()));
        }
    }

    // The largest derivative of the objective at (b0, b).
    double violation(double ridge, const std::vector<double>& v, const std::vector<double>& b,
                     double b0, bool intercept) const {
        std::vector<double> z(n, b0);
        for (std::size_t q = 0; q < values.size(); ++q) z[indices[q]] += values[q] * b[q / 4];
        std::vector<double> gradient(p);
        double sum = 0, largest = 0;
        for (Index i = 0; i < n; ++i) z[i] = w[i] * y[i] / (1 + std::exp(y[i] * z[i]));
        for (std::size_t q = 0; q < values.size(); ++q) {
            gradient[q / 4] += values[q] * z[indices[q]];
        }
        for (const double direction : z) sum += direction;
        for (Index j = 0; j < p; ++j) {
            largest = std::max(largest, std::fabs(gradient[j] - ridge * v[j] * b[j]));
        }
        return std::max(largest, intercept ? std::fabs(sum) : 0.0);
    }
};

}  // namespace

TEST_CASE("dual solver: stationary, with weights and an intercept, for any ridge") {
    const Data data;
    const auto x =
        cycloid::make_csc(data.values.data(), data.indices.data(), data.starts.data(), n, p);
    std::vector<double> one(p, 1.0), mixed(p);
    for (Index j = 0; j < p; ++j) mixed[j] = 0.5 + static_cast<double>(j % 3);
    for (const bool intercept : {false, true}) {
        for (const bool weighted : {false, true}) {
            for (const double ridge : {1.0, 0.1, 0.01}) {
                DualSolver solver(*x, data.y.data(), data.w.data(),
                                  weighted ? mixed.data() : nullptr, intercept);
                std::vector<double> b(p);
                double b0 = 0;
                Effort effort;
                solver.solve(ridge, data.u, data.slope, intercept ? 1e-8 : 1e-20, b, b0, Context{},
                             effort);
                const double left = data.violation(ridge, weighted ? mixed : one, b, b0, intercept);
                CHECK(effort.epochs > 1);
                CHECK(left < (intercept ? 1e-3 : 1e-7));
                CHECK(intercept || b0 == 0);
            }
        }
    }
}

TEST_CASE("dual solver: a start at the optimum stays there, and says so") {
    const Data data;
    const auto x =
        cycloid::make_csc(data.values.data(), data.indices.data(), data.starts.data(), n, p);
    DualSolver solver(*x, data.y.data(), data.w.data(), nullptr, false);
    std::vector<double> b(p), again(p);
    double b0 = 0;
    Effort effort;
    CHECK(solver.solve(1.0, data.u, data.slope, 1e-18, b, b0, Context{}, effort));
    std::vector<double> z(n), u(n), slope(p);
    for (std::size_t q = 0; q < data.values.size(); ++q) {
        z[data.indices[q]] += data.values[q] * b[q / 4];
    }
    for (Index i = 0; i < n; ++i) {
        u[i] = data.w[i] * data.y[i] / (1 + std::exp(data.y[i] * z[i]));
    }
    for (std::size_t q = 0; q < data.values.size(); ++q) {
        slope[q / 4] += u[data.indices[q]] * data.values[q];
    }
    Effort little;
    CHECK(solver.solve(1.0, u, slope, 1e-14, again, b0, Context{}, little));
    CHECK(little.epochs == 2);
    for (Index j = 0; j < p; ++j) CHECK_CLOSE(again[j], b[j], 1e-9);
}
