#include <Eigen/Geometry>
#include <cmath>
#include <set>
#include <string>

#include "check.hpp"
#include "cycloid/relu/normal.hpp"
#include "cycloid/relu/patterns.hpp"

using cycloid::Context;
using cycloid::Index;
using namespace cycloid::relu;

namespace {

const Context serial{};

std::set<std::string> names(const Mask& active) {
    std::set<std::string> out;
    for (Index j = 0; j < active.cols(); ++j) {
        out.emplace(active.col(j).data(), active.col(j).data() + active.rows());
    }
    return out;
}

double choose(Index n, Index k) {
    double value = 1;
    for (Index i = 0; i < k; ++i) value *= double(n - i) / double(i + 1);
    return value;
}

// Every generator lies strictly inside the cone of its pattern, and no pattern comes twice.
void check_patterns(const Matrix& x, const Patterns& patterns) {
    CHECK(std::ssize(names(patterns.active)) == patterns.count());
    CHECK(patterns.generators.cols() == patterns.count());
    const Matrix products = x * patterns.generators;
    for (Index j = 0; j < patterns.count(); ++j) {
        for (Index k = 0; k < x.rows(); ++k) {
            const double product = patterns.active(k, j) != 0 ? products(k, j) : -products(k, j);
            CHECK(x.row(k).norm() == 0 ? patterns.active(k, j) == 1 : product > 0);
        }
        CHECK_CLOSE(patterns.generators.col(j).norm(), 1, 1e-12);
    }
}

// Points around the rays in which the planes of the rows of X (n x 3) meet: in three dimensions
// each cell has such a corner.
Matrix points_around_corners(const Matrix& x) {
    constexpr Index around = 60;
    const Index n = x.rows();
    Matrix points(3, n * n * around);
    Index count = 0;
    for (Index i = 0; i < n; ++i) {
        for (Index j = 0; j < n; ++j) {
            const Eigen::Vector3d first = x.row(i), second = x.row(j);
            Vector corner = first.cross(second);
            if (corner.norm() > 1e-9) corner.normalize();
            const Matrix noise = normal_matrix(3, around, std::uint64_t(i * n + j));
            for (Index k = 0; k < around; ++k) {
                points.col(count++) = corner + std::pow(10.0, -1.0 - double(k % 4)) * noise.col(k);
            }
        }
    }
    return points;
}

}  // namespace

TEST_CASE("relu patterns: all of them, as many as Cover's count in general position") {
    for (const auto& [n, d] : {std::pair<Index, Index>{1, 1},
                               {1, 3},
                               {5, 1},
                               {6, 2},
                               {40, 2},
                               {7, 3},
                               {30, 3},
                               {8, 4},
                               {9, 6},
                               {10, 10},
                               {5, 9}}) {
        const Matrix x = normal_matrix(n, d, std::uint64_t(10 * n + d));
        const Patterns all = all_patterns(x, serial);
        check_patterns(x, all);
        const Index lines = d == 1 ? 1 : n, rank = std::min(n, d);
        double count = 0;
        for (Index k = 0; k < rank; ++k) count += 2 * choose(lines - 1, k);
        CHECK(double(all.count()) == count);
        CHECK(pattern_count(x) == count);
    }
}

TEST_CASE("relu patterns: all of them with equal rows, zero rows, a ones column, low rank") {
    Matrix x = normal_matrix(9, 3, 1);
    x.col(2).setOnes();
    x.row(3) = x.row(0);
    x.row(4) = -2 * x.row(1);
    x.row(5).setZero();
    x.row(6) = x.row(0) + x.row(1);  // three lines in one plane
    const Patterns all = all_patterns(x, serial);
    check_patterns(x, all);
    const DistinctPatterns sampled = distinct_patterns(x, points_around_corners(x), serial);
    CHECK(names(sampled.patterns.active) == names(all.active));
    CHECK(pattern_count(x) >= double(all.count()));

    const Matrix thin = normal_matrix(8, 2, 3) * normal_matrix(2, 5, 4);
    const Patterns planar = all_patterns(thin, serial);
    check_patterns(thin, planar);
    CHECK(planar.count() == 16 && pattern_count(thin) == 16);

    const Patterns one = all_patterns(Matrix::Zero(4, 2), serial);
    CHECK(one.count() == 1 && one.active == Mask::Ones(4, 1));
}

TEST_CASE("relu patterns: a grid of integers, where many lines share a plane") {
    Matrix x(27, 3);
    for (Index k = 0; k < 27; ++k) {
        const Index second = k / 3 % 3, third = k / 9;
        x.row(k) << double(k % 3), double(second), double(third);
    }
    const Patterns all = all_patterns(x, serial);
    check_patterns(x, all);
    const DistinctPatterns sampled = distinct_patterns(x, points_around_corners(x), serial);
    CHECK(names(sampled.patterns.active) == names(all.active));
}

TEST_CASE("relu patterns: points on walls are moved into a cone that they bound") {
    Matrix x(4, 2);
    x << 1, 0, 0, 1, -1, 0, 0, 0;
    Matrix points(2, 4);
    points << 0, 1, 0, 2, 1, 0, -1, 0;
    const DistinctPatterns found = distinct_patterns(x, points, serial);
    check_patterns(x, found.patterns);
    CHECK(std::ssize(found.pattern_of) == 4);
    CHECK(found.pattern_of[1] == found.pattern_of[3]);
    for (Index j = 0; j < 4; ++j) {
        const auto pattern = found.patterns.active.col(found.pattern_of[std::size_t(j)]);
        const Vector products = x * points.col(j);
        for (Index k = 0; k < 4; ++k) CHECK((pattern[k] != 0 ? products[k] : -products[k]) >= 0);
    }
}

TEST_CASE("relu patterns: samples are distinct, reproducible, and as many as there are") {
    const Matrix x = normal_matrix(50, 4, 6);
    for (const PatternSource source : {PatternSource::Gaussian, PatternSource::Differences}) {
        const Patterns some = sample_patterns(x, source, 60, 7, serial);
        CHECK(some.count() == 60);
        check_patterns(x, some);
        CHECK(sample_patterns(x, source, 60, 7, Context{2, nullptr}).active == some.active);
        CHECK(sample_patterns(x, source, 60, 8, serial).active != some.active);
    }
    const Matrix line = normal_matrix(5, 1, 9);
    CHECK(sample_patterns(line, PatternSource::Gaussian, 10, 1, serial).count() == 2);
}

TEST_CASE("relu patterns: a hyperplane between two rows separates them") {
    Matrix x(2, 3);
    x << 1, 2, 1, 4, -1, 1;
    const Matrix points = sample_points(x, PatternSource::Differences, 50, 3);
    Index separated = 0;
    for (Index j = 0; j < 50; ++j) {
        const Vector products = x * points.col(j);
        CHECK(products[0] * products[1] <= 1e-12);
        separated += products[0] * products[1] < 0 ? 1 : 0;
    }
    CHECK(separated > 10);  // the others are the difference of a row and itself
}

TEST_CASE("relu patterns: perturbed ones are distinct, more, and know where a generator is") {
    const Matrix x = normal_matrix(30, 2, 10);
    const Patterns some = sample_perturbed_patterns(x, 0.3, 200, 11, serial);
    CHECK(some.count() == 200);
    CHECK(std::ssize(names(some.active)) == 200);
    const auto clean = names(all_patterns(x, serial).active);
    Index with = 0;
    const auto all = names(some.active);
    for (Index j = 0; j < 200; ++j) {
        const Vector generator = some.generators.col(j);
        if (generator.norm() == 0) continue;
        ++with;
        CHECK(((x * generator).array() >= 0).cast<std::uint8_t>().matrix() == some.active.col(j));
    }
    CHECK(with > 0 && with <= std::ssize(clean));
    CHECK(sample_perturbed_patterns(x, 0, 20, 11, serial).count() == 20);
}
