#include "cycloid/bcd/graph_field.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace cycloid::bcd {
namespace {

constexpr Node held = -1, unreached = -2, reached = -3;

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

// For each node: `held`, `unreached` (no path to a node with a strength), else `reached`.
std::vector<Node> reach(const SparseSymmetric& weights, const double* strength) {
    std::vector<Node> state(at(weights.size()), unreached), stack;
    for (Index i = 0; i < weights.size(); ++i) {
        if (strength[i] > 0) {
            state[at(i)] = std::isinf(strength[i]) ? held : reached;
            stack.push_back(static_cast<Node>(i));
        }
    }
    while (!stack.empty()) {
        const Node i = stack.back();
        stack.pop_back();
        for (const Node j : weights.neighbours(i)) {
            if (state[at(j)] != unreached) continue;
            state[at(j)] = reached;
            stack.push_back(j);
        }
    }
    return state;
}

}  // namespace

GraphField solve_field(const SparseSymmetric& weights, const double* strength,
                       const double* values, Index width, double* f,
                       const PositiveDefiniteOptions& options, Monitor& monitor) {
    if (std::ranges::any_of(weights.values, [](double w) { return w < 0; })) {
        throw std::invalid_argument("the weights of a graph must not be negative");
    }
    GraphField field;
    std::vector<Node> rank = reach(weights, strength), free;
    for (Index i = 0; i < weights.size(); ++i) {
        if (rank[at(i)] == unreached) field.loose.push_back(static_cast<Node>(i));
        if (rank[at(i)] == held) std::copy_n(values + width * i, width, f + width * i);
        if (rank[at(i)] != reached) continue;
        rank[at(i)] = static_cast<Node>(free.size());
        free.push_back(static_cast<Node>(i));
    }
    GraphSystem system;
    SparseSymmetric& a = system.matrix;
    a.starts.push_back(0);
    std::vector<double> b(free.size() * at(width), 0.0);
    for (std::size_t k = 0; k < free.size(); ++k) {
        const Node i = free[k];
        double* const rhs = b.data() + at(width) * k;
        const auto pull = [&](double force, Index towards) {
            for (Index c = 0; c < width; ++c) rhs[c] += force * values[width * towards + c];
        };
        double ground = strength[i], degree = 0;
        if (ground > 0) pull(ground, i);
        const auto nodes = weights.neighbours(i);
        const auto couplings = weights.couplings(i);
        for (std::size_t q = 0; q < nodes.size(); ++q) {
            if (rank[at(nodes[q])] == held) {
                ground += couplings[q];
                pull(couplings[q], nodes[q]);
            } else {
                degree += couplings[q];
                a.columns.push_back(rank[at(nodes[q])]);
                a.values.push_back(-couplings[q]);
            }
        }
        a.starts.push_back(std::ssize(a.columns));
        a.diagonal.push_back(ground + degree);
        system.row_sums.push_back(ground);
    }
    std::vector<double> x(b.size());
    field.solution = solve_positive_definite(system, b.data(), width, x.data(), options, monitor);
    for (std::size_t k = 0; k < free.size(); ++k) {
        std::copy_n(x.begin() + static_cast<Index>(k) * width, width, f + width * free[k]);
    }
    return field;
}

}  // namespace cycloid::bcd
