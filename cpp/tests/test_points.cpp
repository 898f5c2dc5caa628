#include <algorithm>
#include <numeric>

#include "check.hpp"
#include "cycloid/core/random.hpp"
#include "cycloid/ot/block_cost.hpp"
#include "cycloid/ot/cell_pass.hpp"
#include "cycloid/ot/certificate.hpp"
#include "cycloid/ot/point_cost.hpp"
#include "cycloid/ot/solve.hpp"

using cycloid::Context;
using cycloid::Index;
using cycloid::Monitor;
using cycloid::Random;
using cycloid::Status;
using namespace cycloid::ot;

namespace {

constexpr Metric metrics[] = {Metric::SquaredEuclidean, Metric::Euclidean, Metric::CityBlock,
                              Metric::Cosine};

std::vector<double> some_points(Index count, Index dimension, std::uint64_t seed) {
    Random random(seed);
    std::vector<double> values(static_cast<std::size_t>(count * dimension));
    for (double& v : values) v = 2 * (random.uniform() + random.uniform() + random.uniform()) - 2.7;
    std::vector<double> sorted;
    for (const Index i : order_points(values.data(), count, dimension)) {
        sorted.insert(sorted.end(), values.begin() + i * dimension,
                      values.begin() + (i + 1) * dimension);
    }
    return sorted;
}

Masses uniform_masses(Index n, Index m) {
    return {std::vector<double>(static_cast<std::size_t>(n), 1.0 / double(n)),
            std::vector<double>(static_cast<std::size_t>(m), 1.0 / double(m))};
}

double plain_cost(Metric metric, const double* x, const double* y, Index d) {
    double squares = 0, absolute = 0, xy = 0, xx = 0, yy = 0;
    for (Index k = 0; k < d; ++k) {
        squares += (x[k] - y[k]) * (x[k] - y[k]);
        absolute += std::fabs(x[k] - y[k]);
        xy += x[k] * y[k], xx += x[k] * x[k], yy += y[k] * y[k];
    }
    if (metric == Metric::SquaredEuclidean) return squares;
    if (metric == Metric::Euclidean) return std::sqrt(squares);
    return metric == Metric::CityBlock ? absolute : 1 - xy / std::sqrt(xx * yy);
}

}  // namespace

TEST_CASE("points: costs are those of their definitions, whole rows or parts") {
    const Index n = 5, m = 700;
    for (const Index d : {1, 2, 3, 4, 6, 9}) {
        const auto x = some_points(n, d, 1), y = some_points(m, d, 2);
        for (const Metric metric : metrics) {
            const auto cost = make_point_cost(metric, x.data(), n, y.data(), m, d);
            std::vector<double> buffer(m), part(30);
            const std::vector<Range> ranges{{3, 13}, {600, 620}};
            for (Index i = 0; i < n; ++i) {
                const double* row = cost->row(i, buffer.data());
                for (Index j = 0; j < m; ++j) {
                    CHECK_CLOSE(row[j], plain_cost(metric, &x[i * d], &y[j * d], d), 1e-13);
                }
                cost->row(i, ranges, part.data());
                CHECK(std::equal(row + 3, row + 13, part.begin()));
                CHECK(std::equal(row + 600, row + 620, part.begin() + 10));
            }
        }
    }
}

TEST_CASE("points: the sequence is a permutation whose aligned groups are boxes of a k-d tree") {
    const Index n = 1000;
    std::vector<double> x(n);
    Random random(3);
    for (double& v : x) v = random.uniform();
    std::vector<Index> order = order_points(x.data(), n, 1);
    for (Index begin = 64; begin < n; begin += 64) {  // in one dimension they follow one another
        const auto before = std::max_element(order.begin() + begin - 64, order.begin() + begin,
                                             [&](Index i, Index j) { return x[i] < x[j]; });
        for (Index k = begin; k < std::min(begin + 64, n); ++k) CHECK(x[order[k]] > x[*before]);
    }
    std::sort(order.begin(), order.end());
    for (Index i = 0; i < n; ++i) CHECK(order[i] == i);
}

TEST_CASE("points: what is out of reach holds no more than it may") {
    const Index n = 256, m = 1000;
    for (const Index d : {1, 2, 3}) {
        const auto x = some_points(n, d, 4), y = some_points(m, d, 5);
        const Masses masses = uniform_masses(n, m);
        for (const Metric metric : metrics) {
            const auto cost = make_point_cost(metric, x.data(), n, y.data(), m, d);
            const double reg = 2e-3, lost = 1e-10;
            std::vector<double> v = some_points(m, 1, 6), buffer(m);
            for (double& value : v) value *= 0.5;
            double skipped = 0;
            for (Index begin = 0; begin < n; begin += 32) {
                const auto ranges = cost->reach(begin, begin + 32, {v, masses.b, reg, lost});
                for (Index i = begin; i < begin + 32; ++i) {
                    const double* c = cost->row(i, buffer.data());
                    std::vector<double> e(m);
                    for (Index j = 0; j < m; ++j) e[j] = v[j] - c[j] / reg;
                    const double top = *std::max_element(e.begin(), e.end());
                    double all = 0, within = 0;
                    for (double& value : e) all += value = std::exp(value - top);
                    for (const Range& r : ranges) {
                        within = std::accumulate(e.begin() + r.begin, e.begin() + r.end, within);
                        skipped -= double(r.end - r.begin);
                    }
                    skipped += double(m);
                    CHECK(all - within <= lost * all * (1 + 1e-9) + 1e-13 * all);
                }
            }
            CHECK(skipped > 0 || d > 1 || metric == Metric::Cosine);  // few points: wide groups
        }
    }
}

TEST_CASE("points: a pass by cells is a pass by rows, and its kernel the plan summed over cells") {
    const Index n = 200, m = 330, d = 2;
    const auto x = some_points(n, d, 7), y = some_points(m, d, 8);
    const auto cost = make_point_cost(Metric::SquaredEuclidean, x.data(), n, y.data(), m, d);
    const Masses masses = uniform_masses(n, m);
    const double reg = 0.05;
    Kernel kernel;
    Point expected, point;
    point.g = expected.g = some_points(m, 1, 9);
    row_pass(*cost, masses, reg, 0, Storage::None, kernel, expected, Context{});
    for (const double error : {1e-9, 1e-6}) {  // double, then single precision
        const double rounding = error == 1e-9 ? 1e-12 : 1e-6;
        for (const Storage storage : {Storage::Dense, Storage::Sparse}) {
            const Cells rows(n, 8), columns(m, 4);
            Counts counts;
            cell_pass(*cost, masses, reg, {rows, columns, storage, 0, 1e-16, error}, kernel, point,
                      counts, Context{});
            CHECK_CLOSE(point.error, expected.error, rounding);
            CHECK_CLOSE(point.dual, expected.dual, rounding);
            for (Index j = 0; j < m; ++j) {
                CHECK_CLOSE(point.column_sums[j], expected.column_sums[j], rounding / 10);
            }
            CHECK_CLOSE(std::accumulate(counts.columns.begin(), counts.columns.end(), 0.0),
                        point.kept, 0.5);
            std::vector<double> out(static_cast<std::size_t>(columns.count()));
            const auto a = rows.sums(masses.a), b = columns.sums(masses.b);
            const auto sums = columns.sums(expected.column_sums);
            kernel.apply(b, [&](Index i, double) { return a[i]; }, out, Context{});
            for (Index c = 0; c < columns.count(); ++c) CHECK_CLOSE(out[c] * b[c], sums[c], 1e-6);
        }
    }
}

TEST_CASE("points: cells are as large as their points have entries, and nest in aligned groups") {
    std::vector<double> entries(200, 1000.0);
    entries[70] = 1;
    const Cells cells(entries, 0.02);  // 20 entries: cells of 16
    CHECK(cells.begin(0) == 0 && cells.end(0) == 16);
    CHECK(cells.of(70) != cells.of(69) && cells.of(70) != cells.of(71));
    CHECK(cells.of(72) == cells.of(79));
    for (Index c = 0; c < cells.count(); ++c) {
        CHECK(cells.begin(c) / Cells::largest == (cells.end(c) - 1) / Cells::largest);
    }
    CHECK(cells.end(cells.count() - 1) == 200);
    CHECK(std::accumulate(entries.begin(), entries.end(), 0.0) == [sums = cells.sums(entries)] {
        return std::accumulate(sums.begin(), sums.end(), 0.0);
    }());
}

TEST_CASE("points: from coarse to fine to the plan that all pairs at once give") {
    const Index n = 700, m = 600, d = 2;
    const auto x = some_points(n, d, 10), y = some_points(m, d, 11);
    const Masses masses = uniform_masses(n, m);
    for (const Metric metric : metrics) {
        const auto cost = make_point_cost(metric, x.data(), n, y.data(), m, d);
        Options options;
        options.tol = 1e-11;
        Monitor all;
        const Problem problem{*cost, masses.a.data(), masses.b.data(), 0.02};
        const Transport expected = solve(problem, options, all);
        options.most_entries = 1000;
        for (const int threads : {1, 2}) {
            Monitor monitor;
            options.n_threads = threads;
            const Transport result = solve(problem, options, monitor);
            CHECK(result.status == Status::Converged);
            CHECK(result.violation <= 1e-11);
            CHECK_CLOSE(result.value, expected.value, 1e-10);
            CHECK_CLOSE(result.transport_cost, expected.transport_cost, 1e-10);
        }
    }
}

TEST_CASE("points: costs by blocks") {
    struct Source final : RowSource {
        void rows(std::span<const Index> which, double* out) const override {
            for (const Index i : which) {
                for (Index j = 0; j < 7; ++j) *out++ = static_cast<double>(10 * i + j);
            }
        }
    } const source;
    const auto cost = make_block_cost(source, 20, 7);
    for (const Index i : {0, 19, 3}) CHECK(cost->row(i, nullptr)[5] == double(10 * i + 5));
    const auto merged = cost->merged({}, 4, {}, 2);
    CHECK(merged->rows() == 5 && merged->columns() == 4);
    CHECK(merged->row(1, nullptr)[1] == 63);  // the middles of rows 4 to 7 and of columns 2 and 3
}
