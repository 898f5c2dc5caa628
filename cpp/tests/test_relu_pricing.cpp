#include "check.hpp"
#include "cycloid/relu/normal.hpp"
#include "cycloid/relu/pricing.hpp"

using cycloid::Context;
using cycloid::Index;
using namespace cycloid::relu;

namespace {

const Context serial{};

double size_at(const Matrix& x, const Matrix& dual, const Vector& u) {
    return (dual.transpose() * (x * u).cwiseMax(0.0)).norm() / u.norm();
}

}  // namespace

TEST_CASE("relu pricing: the nearest point of a cone") {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        const Index d = 2 + Index(seed % 4), n = 12;
        const Matrix x = normal_matrix(n, d, seed);
        const Vector q = normal_matrix(d, 1, seed + 100);
        const Vector inside = normal_matrix(d, 1, seed + 200);
        const Mask pattern = ((x * inside).array() >= 0).cast<std::uint8_t>();
        const ConePoint nearest = project_on_cone(x, pattern.data(), q, serial);
        const Vector signs = pattern.cast<double>() * 2 - Mask::Ones(n, 1).cast<double>();
        const Vector margins = signs.cwiseProduct(x * nearest.v);
        CHECK(margins.minCoeff() > -1e-11);
        // Moreau: v and q - v are orthogonal, and q - v makes no acute angle with the cone.
        CHECK(std::abs(nearest.v.dot(q - nearest.v)) < 1e-11);
        for (std::uint64_t k = 0; k < 300; ++k) {
            const Vector w = normal_matrix(d, 1, 1000 * seed + k);
            if (signs.cwiseProduct(x * w).minCoeff() < 0) continue;
            CHECK((q - nearest.v).dot(w) < 1e-10 * w.norm());
        }
        for (const Index wall : nearest.walls) CHECK(std::abs(margins[wall]) < 1e-11);
    }
}

TEST_CASE("relu pricing: over all cells it is the maximum of a fine grid, and ascent finds it") {
    int found_it = 0;
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        const Index n = 15, d = 2 + Index(seed % 2);
        const Matrix x = normal_matrix(n, d, seed), dual = normal_matrix(n, 1, seed + 50);
        const Candidates exact =
            price_cells(x, dual, all_patterns(x, serial), PricingOptions{}, serial);
        CHECK(exact.rigorous);
        CHECK_CLOSE(exact.bound, exact.size[0], 1e-12);
        CHECK_CLOSE(size_at(x, dual, exact.u.col(0)), exact.bound, 1e-11);
        double sampled = 0;
        const Matrix points = normal_matrix(d, 4000, seed + 99);
        for (Index j = 0; j < 4000; ++j) {
            sampled = std::max(sampled, size_at(x, dual, points.col(j)));
        }
        CHECK(sampled <= exact.bound + 1e-12);
        CHECK(sampled >= 0.97 * exact.bound);
        const Candidates climbed = price(x, dual, points.leftCols(30), {}, serial);
        CHECK(!climbed.rigorous && climbed.bound <= exact.bound + 1e-12);
        found_it += climbed.bound > exact.bound * (1 - 1e-9) ? 1 : 0;
        CHECK(price_bound(x, dual, serial) >= exact.bound);
    }
    CHECK(found_it >= 18);
}

TEST_CASE("relu pricing: candidates are sorted, distinct, above the threshold, with directions") {
    const Matrix x = normal_matrix(40, 5, 1), dual = normal_matrix(40, 3, 2);
    const Matrix starts = normal_matrix(5, 60, 3);
    PricingOptions options;
    options.most = 7;
    const Candidates all = price(x, dual, starts, options, serial);
    CHECK(all.u.cols() == 7 && all.direction.cols() == 7 && all.size.size() == 7);
    CHECK(all.bound == all.size[0]);
    for (Index j = 0; j < 7; ++j) {
        CHECK_CLOSE(all.u.col(j).norm(), 1, 1e-12);
        CHECK_CLOSE(size_at(x, dual, all.u.col(j)), all.size[j], 1e-12);
        const Vector output = dual.transpose() * (x * all.u.col(j)).cwiseMax(0.0);
        CHECK_CLOSE(all.direction.col(j).dot(output), -all.size[j], 1e-12);
        CHECK(j == 0 || all.size[j] <= all.size[j - 1]);
    }
    for (Index j = 0; j < 60; ++j) CHECK(size_at(x, dual, starts.col(j)) <= all.bound);
    options.above = all.size[2];
    CHECK(price(x, dual, starts, options, serial).u.cols() == 2);
    CHECK(price_bound(x, dual, serial) >= all.bound);
    const Candidates threaded = price(x, dual, starts, options, Context{2, nullptr});
    CHECK(threaded.u == price(x, dual, starts, options, serial).u);
}

TEST_CASE("relu pricing: a zero dual, equal and zero rows, one sample") {
    Matrix x = normal_matrix(6, 3, 4);
    x.row(1) = x.row(0);
    x.row(2).setZero();
    const Patterns all = all_patterns(x, serial);
    const Matrix zero = Matrix::Zero(6, 1);
    CHECK(price_cells(x, zero, all, {}, serial).bound == 0);
    CHECK(price(x, zero, normal_matrix(3, 9, 5), {}, serial).u.cols() == 0);
    const Matrix one = x.topRows(1), weight = Matrix::Constant(1, 1, -2.0);
    const Candidates single = price_cells(one, weight, all_patterns(one, serial), {}, serial);
    CHECK_CLOSE(single.bound, 2 * one.norm(), 1e-12);
    CHECK_CLOSE(price_bound(one, weight, serial), 2 * one.norm(), 1e-12);
}
