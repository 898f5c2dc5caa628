#include <set>

#include "check.hpp"
#include "cycloid/bcd/forest.hpp"
#include "sparse_graphs.hpp"

using namespace cycloid::bcd;
using namespace sparse_graphs;

namespace {

bool is_partition(const std::vector<std::vector<Node>>& blocks, Index n) {
    std::multiset<Node> nodes;
    for (const auto& block : blocks) nodes.insert(block.begin(), block.end());
    return std::ranges::equal(nodes, all_nodes(n));
}

}  // namespace

TEST_CASE("forest: messages solve the system of a random forest") {
    for (const Index n : {1, 2, 3, 10, 60, 2000}) {
        const SparseSymmetric a = random_forest(n, static_cast<std::uint64_t>(n));
        const std::vector<double> b = uniform(n, 1);
        const Forest forest = ForestOrder(a)(all_nodes(n));
        std::vector<double> diagonal, rhs, pivots(at(n)), x(at(n));
        for (const Node i : forest.nodes) {
            diagonal.push_back(a.diagonal[at(i)]);
            rhs.push_back(b[at(i)]);
        }
        CHECK(pass_messages(forest, diagonal, rhs, pivots));
        for (Index k = 0; k < n; ++k) {
            x[at(forest.nodes[at(k)])] = rhs[at(k)];
            CHECK(forest.parent[at(k)] == -1 || forest.parent[at(k)] > k);
        }
        CHECK(residual(a, b, x) < 1e-14);
    }
}

TEST_CASE("forest: a cycle is refused, and the next block is ordered none the less") {
    Builder ring(4);
    for (Index i = 0; i < 4; ++i) ring.couple(i, (i + 1) % 4, 1.0);
    const SparseSymmetric a = ring.matrix();
    ForestOrder order(a);
    CHECK_THROWS(order(all_nodes(4)));
    const std::vector<Node> path{2, 0, 1};
    const Forest forest = order(path);
    CHECK(forest.size() == 3);
    CHECK(std::ranges::count(forest.parent, -1) == 1);
}

TEST_CASE("forest: an indefinite block is reported") {
    Builder pair(2, 1.0);
    pair.couple(0, 1, 2.0, 0.0);
    const SparseSymmetric a = pair.matrix();
    const Forest forest = ForestOrder(a)(all_nodes(2));
    std::vector<double> rhs{1, 1}, pivots(2);
    CHECK(!pass_messages(forest, a.diagonal, rhs, pivots));
}

TEST_CASE("forest: the greedy block is a forest, and each node left out closes a cycle") {
    constexpr Index n = 80;
    const SparseSymmetric a = random_graph(n, 0.08, 3);
    std::vector<double> scores = uniform(n, 5);
    for (double& score : scores) score = std::floor(8 * score);
    const std::vector<Node> order = descending(scores);
    for (std::size_t k = 1; k < order.size(); ++k) {
        const double before = scores[at(order[k - 1])], here = scores[at(order[k])];
        CHECK(before > here || (before == here && order[k - 1] < order[k]));
    }
    std::vector<Node> block = greedy_forest(a, order);
    CHECK(std::ssize(block) > n / 4);
    CHECK(std::ssize(block) < n);
    ForestOrder forests(a);
    CHECK(forests(block).size() == std::ssize(block));
    const std::set<Node> taken(block.begin(), block.end());
    for (const Node i : order) {
        if (taken.contains(i)) continue;
        block.push_back(i);
        CHECK_THROWS(forests(block));
        block.pop_back();
    }
}

TEST_CASE("forest: partitions into forests and into colours") {
    constexpr Index n = 90;
    const SparseSymmetric a = random_graph(n, 0.06, 11);
    const std::vector<Node> order = descending(a.diagonal);
    const auto forests = tree_partition(a, order);
    CHECK(is_partition(forests, n));
    ForestOrder forest(a);
    for (const auto& block : forests) CHECK(forest(block).size() == std::ssize(block));
    const auto colours = colour_partition(a, order);
    CHECK(is_partition(colours, n));
    CHECK(forests.size() < colours.size());
    for (const auto& block : colours) {
        const std::set<Node> inside(block.begin(), block.end());
        for (const Node i : block) {
            for (const Node j : a.neighbours(i)) CHECK(!inside.contains(j));
        }
    }
    CHECK(colour_partition(lattice(5, 6, 1.0), all_nodes(30)).size() == 2);
    CHECK(tree_partition(lattice(5, 6, 1.0), all_nodes(30)).size() == 2);
}

TEST_CASE("sparse symmetric: products of several vectors, and refusals") {
    Builder builder(25);
    for (Index i = 0; i < 25; ++i)
        builder.couple(i, (7 * i + 3) % 25, 0.25 * static_cast<double>(i));
    const SparseSymmetric a = builder.matrix();
    const std::vector<double> x = uniform(75, 2);
    std::vector<double> expected(75, 0.0);
    for (const auto& [place, value] : builder.entries) {
        for (std::size_t c = 0; c < 3; ++c) {
            expected[3 * at(place.first) + c] += value * x[3 * at(place.second) + c];
        }
    }
    CHECK(residual(a, expected, x, 3) < 1e-13);
    Builder lopsided = builder;
    lopsided.entries[{3, 0}] += 1;
    CHECK_THROWS(lopsided.matrix());
    lopsided = builder;
    lopsided.entries.erase({24, 21});
    CHECK(builder.entries.contains({24, 21}));
    CHECK_THROWS(lopsided.matrix());
    lopsided.entries.erase({21, 24});
    CHECK(lopsided.matrix().size() == 25);
}
