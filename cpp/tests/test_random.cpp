#include <numeric>
#include <set>
#include <vector>

#include "check.hpp"
#include "cycloid/core/random.hpp"

using cycloid::Random;

TEST_CASE("random: a value is a function of seed and counter") {
    Random a(7);
    Random b(7);
    for (int i = 0; i < 100; ++i) CHECK(a.next() == b.next());
    const Random c(7);
    Random d(7, 41);
    CHECK(c.at(41) == d.next());
    CHECK(Random(7).next() != Random(8).next());
}

TEST_CASE("random: uniform numbers are in [0, 1) with the right mean and variance") {
    Random random(1);
    constexpr int n = 100000;
    double sum = 0;
    double square = 0;
    bool inside = true;
    for (int i = 0; i < n; ++i) {
        const double x = random.uniform();
        inside = inside && x >= 0 && x < 1;
        sum += x;
        square += x * x;
    }
    CHECK(inside);
    const double mean = sum / n;
    CHECK(std::abs(mean - 0.5) < 5 / std::sqrt(12.0 * n));
    CHECK(std::abs(square / n - mean * mean - 1.0 / 12) < 2e-3);
}

TEST_CASE("random: bounded integers reach every value and no other") {
    Random random(3);
    std::set<std::uint64_t> seen;
    for (int i = 0; i < 1000; ++i) seen.insert(random.below(7));
    CHECK(seen.size() == 7);
    CHECK(*seen.rbegin() == 6);
    CHECK(random.below(1) == 0);
}

TEST_CASE("random: a shuffle is a permutation that the seed decides") {
    std::vector<int> a(50);
    std::iota(a.begin(), a.end(), 0);
    std::vector<int> b = a;
    const std::vector<int> sorted = a;
    Random(5).shuffle(std::span(a));
    Random(5).shuffle(std::span(b));
    CHECK(a == b);
    CHECK(a != sorted);
    std::sort(a.begin(), a.end());
    CHECK(a == sorted);
}
