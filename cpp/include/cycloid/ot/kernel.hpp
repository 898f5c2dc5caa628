// The plan at one point, kept in single precision for the many products that a solve takes with it:
// all of its entries, or those that matter.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "cycloid/core/parallel.hpp"
#include "cycloid/core/trace.hpp"

namespace cycloid::ot {

using View = std::span<const double>;

// Rows in fixed pieces, one task each: sums are taken in one order for every number of threads.
struct Pieces {
    Index rows = 0, count = 1;

    Pieces() = default;
    Pieces(Index n_rows, Index n_columns);
    Index begin(Index piece) const { return rows * piece / count; }
    Index end(Index piece) const { return begin(piece + 1); }
};

// sum over the pieces of partial sums, `columns` values each, one after the other.
void add_up(View partial, std::span<double> out);

enum class Storage { None, Dense, Sparse };

// K_ij = P_ij / (a_i b_j), the plan's density: whatever the masses, an entry that matters to its
// row or its column is about one or more, so single precision never under- or overflows on it.
class Kernel {
public:
    void reset(const Pieces& pieces, Index columns, Storage storage);
    // Row i (in the given piece, rows in order): K_ij = share[j] * inverse_b[j], where share sums
    // to one; sparse storage keeps the entries with share[j] > least.
    void store(Index piece, Index i, const double* share, const double* inverse_b, double least);

    // The same for sparse storage in steps: columns [begin, end) of a row, then the end of the row.
    void append(Index piece, Index begin, Index end, const double* share, const double* inverse_b,
                double least);
    void end_row(Index piece);

    // s_i = sum_j K_ij x_j, then out_j = sum_i y_i K_ij with y_i = row(i, s_i). `row` is called
    // once for each i, by any thread.
    template <class Row>
    void apply(View x, const Row& row, std::span<double> out, const Context& context) const;
    // out_j = sum_i y_i K_ij (s_i - K_ij x_j)
    void spread(View x, View y, View s, std::span<double> out, const Context& context) const;

    // body(i, j, K_ij) for the entries of sparse storage, rows in order.
    template <class Body>
    void each_entry(const Body& body) const;

    Storage storage() const { return storage_; }
    double stored() const;
    // Of a product, in multiply-adds: entries whose place is looked up take longer.
    double work() const { return (storage_ == Storage::Sparse ? 8 : 2) * stored(); }

private:
    struct Part {
        std::vector<Index> starts;
        std::vector<std::int32_t> columns;
        std::vector<float> values;
        Index stored = 0;  // the vectors may have room for more
    };

    template <class Row>
    void apply_dense(Index piece, const double* x, const Row& row, double* sum) const;
    template <class Row>
    void apply_sparse(Index piece, const double* x, const Row& row, double* sum) const;

    Pieces pieces_;
    Index columns_ = 0;
    Storage storage_ = Storage::None;
    std::vector<float> dense_;
    std::vector<Part> parts_;
    mutable std::vector<double> partial_;
};

template <class Row>
void Kernel::apply(View x, const Row& row, std::span<double> out, const Context& context) const {
    partial_.assign(static_cast<std::size_t>(pieces_.count * columns_), 0.0);
    parallel_for(context.team(work()), pieces_.count, [&](Index piece) {
        double* sum = partial_.data() + piece * columns_;
        if (storage_ == Storage::Dense) {
            apply_dense(piece, x.data(), row, sum);
        } else {
            apply_sparse(piece, x.data(), row, sum);
        }
    });
    add_up(partial_, out);
}

template <class Body>
void Kernel::each_entry(const Body& body) const {
    for (Index piece = 0; piece < pieces_.count; ++piece) {
        const Part& part = parts_[piece];
        const Index first = pieces_.begin(piece);
        for (Index i = first; i < pieces_.end(piece); ++i) {
            for (Index q = part.starts[i - first]; q < part.starts[i - first + 1]; ++q) {
                body(i, Index{part.columns[q]}, double{part.values[q]});
            }
        }
    }
}

// Four rows at a time share the loads of x and of the sums.
template <class Row>
void Kernel::apply_dense(Index piece, const double* x, const Row& row, double* sum) const {
    const Index m = columns_, end = pieces_.end(piece);
    Index i = pieces_.begin(piece);
    for (; i + 4 <= end; i += 4) {
        const float *k0 = dense_.data() + i * m, *k1 = k0 + m, *k2 = k1 + m, *k3 = k2 + m;
        double s0 = 0, s1 = 0, s2 = 0, s3 = 0;
#pragma omp simd reduction(+ : s0, s1, s2, s3)
        for (Index j = 0; j < m; ++j) {
            s0 += double{k0[j]} * x[j];
            s1 += double{k1[j]} * x[j];
            s2 += double{k2[j]} * x[j];
            s3 += double{k3[j]} * x[j];
        }
        const double y0 = row(i, s0), y1 = row(i + 1, s1), y2 = row(i + 2, s2), y3 = row(i + 3, s3);
#pragma omp simd
        for (Index j = 0; j < m; ++j) {
            sum[j] +=
                y0 * double{k0[j]} + y1 * double{k1[j]} + y2 * double{k2[j]} + y3 * double{k3[j]};
        }
    }
    for (; i < end; ++i) {
        const float* k = dense_.data() + i * m;
        double s = 0;
#pragma omp simd reduction(+ : s)
        for (Index j = 0; j < m; ++j) s += double{k[j]} * x[j];
        const double y = row(i, s);
#pragma omp simd
        for (Index j = 0; j < m; ++j) sum[j] += y * double{k[j]};
    }
}

template <class Row>
void Kernel::apply_sparse(Index piece, const double* x, const Row& row, double* sum) const {
    const Part& part = parts_[piece];
    const Index first = pieces_.begin(piece);
    for (Index i = first; i < pieces_.end(piece); ++i) {
        const Index begin = part.starts[i - first], end = part.starts[i - first + 1];
        const std::int32_t* columns = part.columns.data();
        const float* values = part.values.data();
        double s = 0;
#pragma omp simd reduction(+ : s)
        for (Index q = begin; q < end; ++q) s += double{values[q]} * x[columns[q]];
        const double y = row(i, s);
        for (Index q = begin; q < end; ++q) sum[columns[q]] += y * double{values[q]};
    }
}

}  // namespace cycloid::ot
