// Block coordinate descent: problems against differences, parts against plain versions of
// themselves, and every combination of parts on small problems.
#include <algorithm>
#include <memory>
#include <numeric>
#include <vector>

#include "check.hpp"
#include "cycloid/bcd/block_descent.hpp"
#include "cycloid/bcd/score_heap.hpp"
#include "cycloid/core/random.hpp"

using namespace cycloid;
using namespace cycloid::bcd;

namespace {

constexpr Index n_samples = 12, n_features = 7, n_classes = 3;

Matrix<double> random_matrix(Index rows, Index columns, std::uint64_t seed) {
    const Random random(seed);
    Matrix<double> out(rows, columns);
    for (Index k = 0; k < out.size(); ++k) out.data()[k] = random.normal(std::uint64_t(k));
    return out;
}

// One problem of each kind, with the data they look at.
struct Problems {
    Matrix<double> a = random_matrix(n_samples, n_features, 1);
    std::unique_ptr<Operator> x = make_dense(a.data(), n_samples, n_features, 1, n_samples);
    Vector targets = random_matrix(n_samples, 1, 2), signs = targets, linear = targets;
    std::vector<Index> codes;
    SparseSymmetric graph;

    Problems() {
        for (Index i = 0; i < n_samples; ++i) {
            signs[i] = targets[i] > 0 ? 1 : -1;
            codes.push_back(i % n_classes);
        }
        // A cycle with one chord.
        std::vector<double> values;
        std::vector<std::int32_t> indices, starts{0};
        for (Index i = 0; i < n_samples; ++i) {
            for (Index j = 0; j < n_samples; ++j) {
                const Index gap = (i - j + n_samples) % n_samples;
                const bool chord = i + j == 6 && i != j && (i == 0 || j == 0);
                if (gap != 0 && gap != 1 && gap != n_samples - 1 && !chord) continue;
                values.push_back(gap == 0 ? 4.0 + 0.1 * double(i) : -1.0 - 0.1 * double(i + j));
                indices.push_back(static_cast<std::int32_t>(j));
            }
            starts.push_back(static_cast<std::int32_t>(indices.size()));
        }
        graph = make_symmetric(values.data(), indices.data(), starts.data(), n_samples);
        for (double& v : graph.diagonal) v += 4;
    }
    std::vector<std::unique_ptr<BlockProblem>> all(const Separable& separable) const {
        std::vector<std::unique_ptr<BlockProblem>> out;
        out.push_back(make_least_squares(*x, targets.data(), 0.1, separable, {}));
        out.push_back(make_logistic(*x, signs.data(), 0.1, separable, {}));
        out.push_back(make_softmax(*x, codes.data(), n_classes, 0.1, separable, {}));
        out.push_back(make_quadratic(graph, linear.data(), separable));
        return out;
    }
};

Vector some_point(Index size) { return 0.5 * random_matrix(size, 1, 3); }

Separable kinks() {
    Separable separable;
    separable.l1 = {0.3};
    separable.lower = {-0.4};
    separable.upper = {0.25};
    return separable;
}

}  // namespace

TEST_CASE("block problems: gradient and Hessian are those of the value") {
    const Problems data;
    for (const auto& problem : data.all({})) {
        const Index n = problem->size();
        const Vector x = some_point(n);
        std::vector<Index> all(static_cast<std::size_t>(n));
        std::iota(all.begin(), all.end(), Index{0});
        problem->start(x);
        const Vector gradient = problem->gradient();
        Vector part;
        problem->gradient(all, part);
        CHECK((part - gradient).norm() < 1e-12);
        Matrix<double> local, bound;
        problem->hessian(all, Curvature::Local, local);
        problem->hessian(all, Curvature::Bound, bound);
        constexpr double h = 1e-5;
        for (Index i = 0; i < n; ++i) {
            Vector up = x, down = x;
            up[i] += h, down[i] -= h;
            problem->start(up);
            const double above = problem->value();
            const Vector slope_above = problem->gradient();
            problem->start(down);
            CHECK_CLOSE(gradient[i], (above - problem->value()) / (2 * h), 1e-7);
            const Vector column = (slope_above - problem->gradient()) / (2 * h);
            for (Index j = i; j < n; ++j) CHECK_CLOSE(local(j, i), column[j], 1e-6);
        }
        // The bound lies above, below the diagonal matrix, and is what multiply() multiplies by.
        const Matrix<double> upper = bound.selfadjointView<Eigen::Lower>();
        const Matrix<double> lower = local.selfadjointView<Eigen::Lower>();
        const Vector diagonal = problem->diagonal_bound(), lipschitz = problem->lipschitz();
        for (std::uint64_t seed = 0; seed < 20; ++seed) {
            const Vector d = random_matrix(n, 1, 10 + seed);
            Vector product;
            problem->multiply(d, product);
            const double above = d.dot(upper * d);
            CHECK(above >= d.dot(lower * d) - 1e-12);
            CHECK(above <= d.dot(diagonal.cwiseProduct(d)) + 1e-12);
            CHECK((product - upper * d).norm() < 1e-12 * product.norm());
        }
        for (Index i = 0; i < n; ++i) CHECK(lower(i, i) <= lipschitz[i] + 1e-12);
    }
}

TEST_CASE("block problems: a trial changes the value as a move does, and nothing before it") {
    const Problems data;
    for (const auto& problem : data.all({})) {
        const Index n = problem->size();
        const Vector x = some_point(n);
        problem->start(x);
        const double before = problem->value();
        const std::vector<Index> block{1, 4, n - 1};
        const Vector target = random_matrix(3, 1, 5);
        const double change = problem->change(block, target);
        CHECK_CLOSE(problem->value(), before, 0);
        CHECK(problem->x() == x);
        problem->accept();
        CHECK_CLOSE(problem->value() - before, change, 1e-12);
        for (Index k = 0; k < 3; ++k) CHECK_CLOSE(problem->x()[block[k]], target[k], 0);
        const Vector moved = problem->x(), gradient = problem->gradient();
        problem->start(moved);
        CHECK((problem->gradient() - gradient).norm() < 1e-12 * gradient.norm());
    }
}

TEST_CASE("separable: prox minimises, violation is zero there alone") {
    for (const Kink kink : {Kink{}, Kink{0.5}, Kink{0, -1, 0.3}, Kink{0.5, 0.2, 1}, Kink{0.5, 0}}) {
        for (const double centre : {-2.0, -0.6, -0.1, 0.0, 0.25, 0.7, 3.0}) {
            const double curvature = 1.7, best = kink.prox(centre, curvature);
            const auto value = [&](double v) {
                return 0.5 * curvature * (v - centre) * (v - centre) + kink.value(v);
            };
            CHECK(best >= kink.lower && best <= kink.upper);
            CHECK_CLOSE(kink.violation(curvature * (best - centre), best), 0, 1e-12);
            for (int step = -300; step < 400; ++step) {
                const double v = 0.01 * step;
                if (v < kink.lower || v > kink.upper) continue;
                CHECK(value(v) >= value(best) - 1e-12);
                CHECK_CLOSE(kink.change(best, v - best), kink.value(v) - kink.value(best), 1e-12);
            }
        }
    }
}

TEST_CASE("score heap: the largest, whatever has changed") {
    Random random(7);
    std::vector<double> scores(50);
    for (double& s : scores) s = random.uniform();
    ScoreHeap heap;
    heap.assign(scores);
    std::vector<Index> found;
    for (int round = 0; round < 200; ++round) {
        const auto i = random.below(50);
        scores[i] = random.uniform();
        heap.change(static_cast<Index>(i), scores[i]);
        const auto count = static_cast<Index>(1 + random.below(60));
        heap.largest(count, found);
        std::vector<double> sorted = scores;
        std::sort(sorted.begin(), sorted.end(), std::greater<>());
        CHECK(std::ssize(found) == std::min<Index>(count, 50));
        for (std::size_t k = 0; k < found.size(); ++k) {
            CHECK(scores[static_cast<std::size_t>(found[k])] == sorted[k]);
        }
    }
}

TEST_CASE("partitions hold each coordinate once, in blocks of the size asked for") {
    const Problems data;
    const auto problems = data.all({});
    for (const auto& problem : problems) {
        for (const auto kind : {PartitionKind::Order, PartitionKind::Sort, PartitionKind::Average,
                                PartitionKind::RedBlack, PartitionKind::Forests}) {
            const bool of_graph = kind == PartitionKind::RedBlack || kind == PartitionKind::Forests;
            if (of_graph && problem->graph() == nullptr) {
                CHECK_THROWS(make_partition(kind, 5, *problem));
                continue;
            }
            std::vector<Index> all;
            for (const Block& block : make_partition(kind, 5, *problem).blocks) {
                CHECK(block.forest == of_graph);
                CHECK(of_graph || std::ssize(block.members) <= 5);
                all.insert(all.end(), block.members.begin(), block.members.end());
            }
            std::sort(all.begin(), all.end());
            for (Index i = 0; i < problem->size(); ++i) CHECK(all[std::size_t(i)] == i);
        }
    }
    CHECK_THROWS(make_partition({{0, 1}, {1, 2}}, 3));
    CHECK_THROWS(make_partition({{0, 1}, {3}}, 3));
    CHECK_THROWS(make_partition({{0, 1}}, 3));
    CHECK_THROWS(make_partition({{0, 1}, {}, {2}}, 3));
    CHECK(make_partition({{2, 0}, {1}}, 3).blocks.size() == 2);
}

TEST_CASE("block model: no violation, with duplicates and zeros too") {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        const Index n = 8;
        Matrix<double> a = random_matrix(6, n, seed);
        a.col(3) = a.col(2);
        a.col(5).setZero();
        const Matrix<double> h = a.transpose() * a;
        Vector g = a.transpose() * random_matrix(6, 1, 100 + seed);
        const Vector x = 0.2 * random_matrix(n, 1, 200 + seed).cwiseAbs();
        std::vector<Kink> parts(std::size_t(n), Kink{0.2});
        for (Index i = 0; i < n; i += 2) parts[std::size_t(i)] = {0.1, 0.0, 0.6};
        Vector best;
        Vector start = x.cwiseMin(0.6);
        minimize_block_model(h, g, start, parts, best, {});
        const Vector slope = g + h * (best - start);
        for (Index i = 0; i < n; ++i) {
            CHECK(best[i] >= parts[std::size_t(i)].lower && best[i] <= parts[std::size_t(i)].upper);
            CHECK(parts[std::size_t(i)].violation(slope[i], best[i]) < 1e-9);
        }
    }
}

TEST_CASE("block descent: every combination of parts reaches one point, downhill") {
    const Problems data;
    constexpr Rule all_rules[] = {Rule::Random, Rule::Cyclic, Rule::Lipschitz, Rule::GaussSouthwell,
                                  Rule::GSL,    Rule::GSD,    Rule::GSQ,       Rule::GSs,
                                  Rule::GSr,    Rule::GSq,    Rule::GSLr,      Rule::GSLq};
    constexpr UpdateKind all_updates[] = {UpdateKind::Gradient, UpdateKind::Backtracking,
                                          UpdateKind::Matrix, UpdateKind::Newton,
                                          UpdateKind::TwoMetric};
    constexpr PartitionKind all_kinds[] = {PartitionKind::Variable, PartitionKind::Sort,
                                           PartitionKind::Forests, PartitionKind::GreedyForest};
    for (const Separable& separable : {Separable{}, kinks()}) {
        for (const auto& problem : data.all(separable)) {
            DescentOptions exact;
            exact.rule = Rule::GSLq;
            exact.update = UpdateKind::TwoMetric;
            exact.rtol = 1e-9;
            const Partition whole = make_partition(PartitionKind::Variable, 30, *problem);
            const double best = descend_blocks(*problem, whole, exact, {}).objective;
            for (const auto kind : all_kinds) {
                if (problem->graph() == nullptr && kind >= PartitionKind::RedBlack) continue;
                if (problem->graph() == nullptr && kind == PartitionKind::GreedyForest) continue;
                const Partition partition = make_partition(kind, 3, *problem);
                for (const Rule rule : all_rules) {
                    if (!separable.smooth() && !proximal(rule)) {
                        CHECK_THROWS(make_selection(rule, partition, *problem, 0, {}));
                        continue;
                    }
                    const bool blind = rule == Rule::Cyclic || rule == Rule::Lipschitz;
                    if (kind == PartitionKind::GreedyForest && (blind || rule == Rule::GSQ)) {
                        CHECK_THROWS(make_selection(rule, partition, *problem, 0, {}));
                        continue;
                    }
                    for (const UpdateKind update : all_updates) {
                        DescentOptions options;
                        options.rule = rule;
                        options.update = update;
                        options.rtol = 1e-4;
                        options.max_iter = 10000;
                        const Descent found = descend_blocks(*problem, partition, options, {});
                        CHECK(found.status == Status::Converged);
                        CHECK_CLOSE(found.objective, best, 1e-5);
                        for (std::size_t row = 1; row < found.trace.rows(); ++row) {
                            const double before = found.trace.row(row - 1)[2];
                            CHECK(found.trace.row(row)[2] <= before + 1e-13 * std::abs(before));
                        }
                    }
                }
            }
        }
    }
}
