// The blocks of the convex programs from round to round.
#pragma once

#include "cycloid/relu/network.hpp"
#include "cycloid/relu/patterns.hpp"

namespace cycloid::relu {

class BlockPool {
public:
    BlockPool(Index inputs, Index outputs) : points_(inputs, 0), directions_(outputs, 0) {}

    // Blocks of the neurons of a network, and of points with directions.
    void add(const Network& network);
    void add(const Matrix& points, const Matrix& directions);

    // Patterns and blocks of what is in the pool, each once, and the values v of the neurons that
    // were added last; sets the pool to these.
    void build(const MatrixView& x, const Context& context);
    const Patterns& patterns() const { return patterns_; }
    const Blocks& blocks() const { return blocks_; }
    const Matrix& v() const { return v_; }

    // After a solve: the smallest blocks, of at most `negligible` altogether, count as inactive,
    // and those that did in more than `most_idle` solves on end leave. Which were active.
    std::vector<Index> keep_active(const Matrix& v, double negligible, Index most_idle);
    void clear() { *this = BlockPool(points_.rows(), directions_.rows()); }
    const Matrix& points() const { return points_; }
    Index count() const { return points_.cols(); }

private:
    void append(const Matrix& points, const Matrix& directions, const Matrix& v);

    Matrix points_, directions_, v_;
    std::vector<Index> idle_;
    Patterns patterns_;
    Blocks blocks_;
};

}  // namespace cycloid::relu
