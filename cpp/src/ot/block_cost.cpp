#include "cycloid/ot/block_cost.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace cycloid::ot {
namespace {

constexpr Index block_entries = 1 << 20;  // asked for at a time
constexpr Index kept_entries = 1 << 24;   // of costs that are computed once only

std::vector<Index> all(Index count) {
    std::vector<Index> indices(static_cast<std::size_t>(count));
    std::iota(indices.begin(), indices.end(), Index{0});
    return indices;
}

// The middle of each cell.
std::vector<Index> middles(const std::vector<Index>& from, Index cell) {
    std::vector<Index> chosen;
    const auto count = std::ssize(from);
    for (Index begin = 0; begin < count; begin += cell) {
        chosen.push_back(from[(begin + std::min(begin + cell, count)) / 2]);
    }
    return chosen;
}

class BlockCost final : public Cost {
public:
    BlockCost(const RowSource& source, Index width, std::vector<Index> rows,
              std::vector<Index> columns)
        : source_(source),
          width_(width),
          height_(std::clamp<Index>(block_entries / width, 1, std::ssize(rows))),
          keep_(std::ssize(rows) * std::ssize(columns) <= kept_entries),
          rows_(std::move(rows)),
          columns_(std::move(columns)),
          known_(rows_.size(), false) {}

    Index rows() const override { return std::ssize(rows_); }
    Index columns() const override { return std::ssize(columns_); }
    bool ordered() const override { return true; }
    using Cost::row;
    const double* row(Index i, double*) const override {
        const Index first = i / height_ * height_;
        if (!known_[first]) compute(first);
        return values_.data() + (keep_ ? i : i - first) * columns();
    }
    std::unique_ptr<Cost> merged(std::span<const double>, Index row_cell, std::span<const double>,
                                 Index column_cell) const override {
        return std::make_unique<BlockCost>(source_, width_, middles(rows_, row_cell),
                                           middles(columns_, column_cell));
    }

private:
    void compute(Index first) const {
        const Index count = std::min(height_, rows() - first);
        std::vector<double> block(static_cast<std::size_t>(count * width_));
        source_.rows(std::span(rows_).subspan(first, static_cast<std::size_t>(count)),
                     block.data());
        if (!keep_) std::fill(known_.begin(), known_.end(), false);
        values_.resize(static_cast<std::size_t>((keep_ ? rows() : height_) * columns()));
        double* out = values_.data() + (keep_ ? first * columns() : 0);
        for (Index i = 0; i < count; ++i) {
            for (const Index j : columns_) *out++ = block[i * width_ + j];
        }
        known_[first] = true;
    }

    const RowSource& source_;
    Index width_, height_;
    bool keep_;
    std::vector<Index> rows_, columns_;
    mutable std::vector<bool> known_;  // of the first rows of blocks
    mutable std::vector<double> values_;
};

}  // namespace

std::unique_ptr<Cost> make_block_cost(const RowSource& source, Index rows, Index columns) {
    return std::make_unique<BlockCost>(source, columns, all(rows), all(columns));
}

}  // namespace cycloid::ot
