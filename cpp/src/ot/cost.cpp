#include "cycloid/ot/cost.hpp"

#include <algorithm>
#include <type_traits>
#include <utility>

namespace cycloid::ot {
namespace {

template <class Scalar>
class DenseCost final : public Cost {
public:
    DenseCost(const Scalar* data, Index rows, Index columns, Index stride)
        : data_(data), rows_(rows), columns_(columns), stride_(stride) {}

    Index rows() const override { return rows_; }
    Index columns() const override { return columns_; }
    const double* row(Index i, [[maybe_unused]] double* buffer) const override {
        const Scalar* values = data_ + i * stride_;
        if constexpr (std::is_same_v<Scalar, double>) {
            return values;
        } else {
            for (Index j = 0; j < columns_; ++j) buffer[j] = static_cast<double>(values[j]);
            return buffer;
        }
    }

private:
    const Scalar* data_;
    Index rows_, columns_, stride_;
};

class SelectedCost final : public Cost {
public:
    SelectedCost(const Cost& cost, std::vector<Index> rows, std::vector<Index> columns)
        : cost_(cost), rows_(std::move(rows)), columns_(std::move(columns)) {}

    Index rows() const override { return static_cast<Index>(rows_.size()); }
    Index columns() const override { return static_cast<Index>(columns_.size()); }
    const double* row(Index i, double* buffer) const override {
        thread_local std::vector<double> whole;
        whole.resize(static_cast<std::size_t>(cost_.columns()));
        const double* values = cost_.row(rows_[i], whole.data());
        for (std::size_t j = 0; j < columns_.size(); ++j) buffer[j] = values[columns_[j]];
        return buffer;
    }

private:
    const Cost& cost_;
    std::vector<Index> rows_, columns_;
};

}  // namespace

void Cost::row(Index i, std::span<const Range> ranges, double* buffer) const {
    thread_local std::vector<double> whole;
    whole.resize(static_cast<std::size_t>(columns()));
    const double* values = row(i, whole.data());
    for (const Range& range : ranges) {
        buffer = std::copy(values + range.begin, values + range.end, buffer);
    }
}

std::vector<Range> Cost::reach(Index, Index, const Extent&) const { return {{0, columns()}}; }

std::unique_ptr<Cost> Cost::merged(std::span<const double>, Index, std::span<const double>,
                                   Index) const {
    return nullptr;
}

template <class Scalar>
std::unique_ptr<Cost> make_dense_cost(const Scalar* data, Index rows, Index columns, Index stride) {
    return std::make_unique<DenseCost<Scalar>>(data, rows, columns, stride);
}
template std::unique_ptr<Cost> make_dense_cost(const double*, Index, Index, Index);
template std::unique_ptr<Cost> make_dense_cost(const float*, Index, Index, Index);

std::unique_ptr<Cost> make_selected_cost(const Cost& cost, std::vector<Index> rows,
                                         std::vector<Index> columns) {
    return std::make_unique<SelectedCost>(cost, std::move(rows), std::move(columns));
}

}  // namespace cycloid::ot
