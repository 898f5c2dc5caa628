#include "cycloid/core/compressed.hpp"
#include "cycloid/newton/rows.hpp"

namespace cycloid::newton {
namespace {

constexpr Index cache_bytes = 1 << 17;  // of a block that is read twice

// Indices ascend within a row.
template <class Scalar, class StorageIndex>
class CompressedRows : public Rows {
public:
    CompressedRows(const Scalar* values, const StorageIndex* indices, const StorageIndex* starts,
                   Index rows, Index columns)
        : values_(values), indices_(indices), starts_(starts), rows_(rows), columns_(columns) {}

    Index rows() const override { return rows_; }
    Index columns() const override { return columns_; }
    bool sparse() const override { return true; }
    double stored() const override { return static_cast<double>(starts_[rows_]); }
    Index block_rows() const override {
        const double entry_bytes = sizeof(Scalar) + sizeof(StorageIndex);
        const double row_bytes = entry_bytes * (stored() / static_cast<double>(rows_) + 1);
        return std::clamp<Index>(static_cast<Index>(double(cache_bytes) / row_bytes), 1, 4096);
    }
    std::unique_ptr<Rows> take(const std::vector<Index>& which) const override;
    void multiply(Index begin, Index end, const double* v, double* z) const override {
        for (Index i = begin; i < end; ++i) {
            double sum = 0;
            for (Index q = starts_[i]; q < starts_[i + 1]; ++q) {
                sum += static_cast<double>(values_[q]) * v[indices_[q]];
            }
            z[i - begin] = sum;
        }
    }
    void add_transposed(Index begin, Index end, const double* u, double* g) const override {
        for (Index i = begin; i < end; ++i) {
            const double ui = u[i - begin];
            for (Index q = starts_[i]; q < starts_[i + 1]; ++q) {
                g[indices_[q]] += ui * static_cast<double>(values_[q]);
            }
        }
    }
    void add_squares(Index begin, Index end, const double* u, double* g) const override {
        for (Index i = begin; i < end; ++i) {
            const double ui = u[i - begin];
            for (Index q = starts_[i]; q < starts_[i + 1]; ++q) {
                const auto value = static_cast<double>(values_[q]);
                g[indices_[q]] += ui * value * value;
            }
        }
    }
    void pack(const Index* which, Index count, Index from, Index to, double* out) const override {
        pack_to(which, count, from, to, out);
    }
    void pack(const Index* which, Index count, Index from, Index to, float* out) const override {
        pack_to(which, count, from, to, out);
    }
    void scatter(Index begin, Index end, Index from, Index to, const Targets& targets, double* out,
                 Index stride) const override {
        scatter_to(begin, end, from, to, targets, out, stride);
    }
    void scatter(Index begin, Index end, Index from, Index to, const Targets& targets, float* out,
                 Index stride) const override {
        scatter_to(begin, end, from, to, targets, out, stride);
    }

private:
    // The stored entries of row i in columns [from, to).
    std::pair<Index, Index> range(Index i, Index from, Index to) const {
        const StorageIndex *first = indices_ + starts_[i], *last = indices_ + starts_[i + 1];
        if (from > 0) first = std::lower_bound(first, last, static_cast<StorageIndex>(from));
        if (to < columns_) last = std::lower_bound(first, last, static_cast<StorageIndex>(to));
        return {first - indices_, last - indices_};
    }
    template <class Real>
    void pack_to(const Index* which, Index count, Index from, Index to, Real* out) const {
        const Index width = to - from;
        std::fill(out, out + count * width, Real{0});
        for (Index i = 0; i < count; ++i) {
            const auto [first, last] = range(which[i], from, to);
            for (Index q = first; q < last; ++q) {
                out[i * width + static_cast<Index>(indices_[q]) - from] =
                    static_cast<Real>(values_[q]);
            }
        }
    }
    template <class Real>
    void scatter_to(Index begin, Index end, Index from, Index to, const Targets& targets, Real* out,
                    Index stride) const {
        for (Index i = begin; i < end; ++i) {
            const auto [first, last] = range(i, from, to);
            for (Index k = 0; k < targets.per_row; ++k) {
                const Index entry = (i - begin) * targets.per_row + k;
                const double factor = targets.factor[entry];
                Real* const target = out + targets.row[entry] * stride;
                for (Index q = first; q < last; ++q) {
                    target[indices_[q]] +=
                        static_cast<Real>(factor * static_cast<double>(values_[q]));
                }
            }
        }
    }

    const Scalar* values_;
    const StorageIndex *indices_, *starts_;
    Index rows_, columns_;
};

// The arrays of a matrix by rows, before whoever views them.
template <class Scalar>
struct RowArrays {
    std::vector<Scalar> values;
    std::vector<Index> indices, starts;
};

template <class Scalar>
class OwnedRows final : private RowArrays<Scalar>, public CompressedRows<Scalar, Index> {
public:
    OwnedRows(RowArrays<Scalar> arrays, Index rows, Index columns)
        : RowArrays<Scalar>(std::move(arrays)),
          CompressedRows<Scalar, Index>(this->RowArrays<Scalar>::values.data(),
                                        this->RowArrays<Scalar>::indices.data(),
                                        this->RowArrays<Scalar>::starts.data(), rows, columns) {}
};

template <class Scalar, class StorageIndex>
std::unique_ptr<Rows> CompressedRows<Scalar, StorageIndex>::take(
    const std::vector<Index>& which) const {
    RowArrays<Scalar> arrays;
    arrays.starts.push_back(0);
    for (const Index i : which) {
        arrays.values.insert(arrays.values.end(), values_ + starts_[i], values_ + starts_[i + 1]);
        arrays.indices.insert(arrays.indices.end(), indices_ + starts_[i],
                              indices_ + starts_[i + 1]);
        arrays.starts.push_back(std::ssize(arrays.values));
    }
    return std::make_unique<OwnedRows<Scalar>>(std::move(arrays), std::ssize(which), columns_);
}

}  // namespace

template <class Scalar, class StorageIndex>
std::unique_ptr<Rows> make_csr_rows(const Scalar* values, const StorageIndex* indices,
                                    const StorageIndex* starts, Index rows, Index columns) {
    check_compressed(indices, starts, rows, columns, rows);
    return std::make_unique<CompressedRows<Scalar, StorageIndex>>(values, indices, starts, rows,
                                                                  columns);
}

template <class Scalar, class StorageIndex>
std::unique_ptr<Rows> make_csc_rows(const Scalar* values, const StorageIndex* indices,
                                    const StorageIndex* starts, Index rows, Index columns) {
    check_compressed(indices, starts, columns, rows, rows);
    const auto count = static_cast<std::size_t>(starts[columns]);
    RowArrays<Scalar> arrays;
    arrays.values.resize(count);
    arrays.indices.resize(count);
    arrays.starts.assign(static_cast<std::size_t>(rows) + 1, 0);
    for (std::size_t q = 0; q < count; ++q) ++arrays.starts[indices[q] + 1];
    for (Index i = 0; i < rows; ++i) arrays.starts[i + 1] += arrays.starts[i];
    std::vector<Index> next(arrays.starts.begin(), arrays.starts.end() - 1);
    for (Index j = 0; j < columns; ++j) {
        for (Index q = starts[j]; q < starts[j + 1]; ++q) {
            const Index slot = next[indices[q]]++;
            arrays.values[slot] = values[q];
            arrays.indices[slot] = j;
        }
    }
    return std::make_unique<OwnedRows<Scalar>>(std::move(arrays), rows, columns);
}

#define CYCLOID_INSTANTIATE(Scalar, StorageIndex)                                    \
    template std::unique_ptr<Rows> make_csr_rows(const Scalar*, const StorageIndex*, \
                                                 const StorageIndex*, Index, Index); \
    template std::unique_ptr<Rows> make_csc_rows(const Scalar*, const StorageIndex*, \
                                                 const StorageIndex*, Index, Index);
CYCLOID_INSTANTIATE(float, std::int32_t)
CYCLOID_INSTANTIATE(float, std::int64_t)
CYCLOID_INSTANTIATE(double, std::int32_t)
CYCLOID_INSTANTIATE(double, std::int64_t)
#undef CYCLOID_INSTANTIATE

}  // namespace cycloid::newton
