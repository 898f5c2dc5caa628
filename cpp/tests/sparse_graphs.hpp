// Random sparse symmetric positive definite matrices for the tests of graph methods.
#pragma once

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <span>
#include <vector>

#include "cycloid/bcd/sparse_symmetric.hpp"
#include "cycloid/core/random.hpp"

namespace sparse_graphs {

using cycloid::Index;
using cycloid::Random;
using cycloid::bcd::Node;
using cycloid::bcd::SparseSymmetric;

inline std::size_t at(Index i) { return static_cast<std::size_t>(i); }

// Entries by place; both triangles are set together.
struct Builder {
    explicit Builder(Index size, double diagonal = 0.1) : n(size) {
        for (Index i = 0; i < n; ++i) entries[{i, i}] = diagonal;
    }
    // Couples two nodes and keeps the matrix positive definite; of a negative value with
    // `slack` 1, by a Laplacian's margin: no change of the row sums.
    void couple(Index i, Index j, double value, double slack = 1.5) {
        if (i == j || entries.contains({i, j})) return;
        entries[{i, j}] = entries[{j, i}] = value;
        entries[{i, i}] += slack * std::abs(value);
        entries[{j, j}] += slack * std::abs(value);
    }
    SparseSymmetric matrix() const {
        std::vector<double> values;
        std::vector<std::int64_t> indices, starts(1, 0);
        for (const auto& [place, value] : entries) {
            while (std::ssize(starts) <= place.first) starts.push_back(std::ssize(values));
            values.push_back(value);
            indices.push_back(place.second);
        }
        starts.push_back(std::ssize(values));
        return cycloid::bcd::make_symmetric(values.data(), indices.data(), starts.data(), n);
    }

    Index n;
    std::map<std::pair<Index, Index>, double> entries;
};

// Each node but a few roots is joined to one before it; nodes are shuffled.
inline SparseSymmetric random_forest(Index n, std::uint64_t seed) {
    Random random(seed);
    std::vector<Index> name(at(n));
    std::iota(name.begin(), name.end(), Index{0});
    random.shuffle(std::span(name));
    Builder builder(n);
    for (Index i = 1; i < n; ++i) {
        if (random.uniform() < 0.1) continue;
        const auto j = static_cast<Index>(random.below(static_cast<std::uint64_t>(i)));
        builder.couple(name[at(i)], name[at(j)], random.uniform() - 0.5);
    }
    return builder.matrix();
}

inline SparseSymmetric random_graph(Index n, double density, std::uint64_t seed) {
    Random random(seed);
    Builder builder(n);
    for (Index i = 0; i < n; ++i) {
        for (Index j = 0; j < i; ++j) {
            if (random.uniform() < density) builder.couple(i, j, random.uniform() - 0.5);
        }
    }
    return builder.matrix();
}

// The Laplacian of a lattice, with `slack` added to the diagonal.
inline SparseSymmetric lattice(Index rows, Index columns, double slack) {
    Builder builder(rows * columns, slack);
    for (Index i = 0; i < rows * columns; ++i) {
        if (i % columns + 1 < columns) builder.couple(i, i + 1, -1, 1);
        if (i + columns < rows * columns) builder.couple(i, i + columns, -1, 1);
    }
    return builder.matrix();
}

inline std::vector<Node> all_nodes(Index n) {
    std::vector<Node> nodes(at(n));
    std::iota(nodes.begin(), nodes.end(), 0);
    return nodes;
}

inline std::vector<double> uniform(Index n, std::uint64_t seed) {
    Random random(seed);
    std::vector<double> values(at(n));
    for (double& value : values) value = random.uniform() - 0.5;
    return values;
}

// The largest |b - A x| over all entries and right-hand sides.
inline double residual(const SparseSymmetric& a, const std::vector<double>& b,
                       const std::vector<double>& x, Index width = 1) {
    std::vector<double> product(x.size());
    a.multiply(x.data(), width, product.data());
    double worst = 0;
    for (std::size_t k = 0; k < b.size(); ++k) worst = std::max(worst, std::abs(b[k] - product[k]));
    return worst;
}

}  // namespace sparse_graphs
