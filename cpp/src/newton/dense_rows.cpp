#include "cycloid/newton/rows.hpp"

namespace cycloid::newton {
namespace {

constexpr Index cache_bytes = 1 << 17;  // of a block that is read twice

// Where dense matrices differ from each other is `pack`; a tile of packed rows feeds the sketch.
class DenseRows : public Rows {
public:
    DenseRows(Index rows, Index columns) : rows_(rows), columns_(columns) {}
    Index rows() const override { return rows_; }
    Index columns() const override { return columns_; }
    bool sparse() const override { return false; }
    double stored() const override {
        return static_cast<double>(rows_) * static_cast<double>(columns_);
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
    template <class Real>
    void scatter_to(Index begin, Index end, Index from, Index to, const Targets& targets, Real* out,
                    Index stride) const {
        constexpr Index height = 16;
        const Index width = to - from;
        std::vector<Real> tile(static_cast<std::size_t>(height * width));
        Index which[height];
        for (Index first = begin; first < end; first += height) {
            const Index count = std::min(height, end - first);
            for (Index i = 0; i < count; ++i) which[i] = first + i;
            pack(which, count, from, to, tile.data());
            for (Index q = 0; q < count * targets.per_row; ++q) {
                const Index entry = (first - begin) * targets.per_row + q;
                const auto factor = static_cast<Real>(targets.factor[entry]);
                const Real* const source = tile.data() + q / targets.per_row * width;
                Real* const target = out + targets.row[entry] * stride + from;
#pragma omp simd
                for (Index j = 0; j < width; ++j) target[j] += factor * source[j];
            }
        }
    }

protected:
    Index rows_, columns_;
};

template <class Scalar>
std::unique_ptr<Rows> copy_dense(const Rows& x, const std::vector<Index>& which);

template <class Scalar>
class RowMajorRows : public DenseRows {
public:
    RowMajorRows(const Scalar* data, Index rows, Index columns, Index stride)
        : DenseRows(rows, columns), data_(data), stride_(stride) {}

    Index block_rows() const override {
        const Index row_bytes = columns_ * static_cast<Index>(sizeof(Scalar));
        return std::max<Index>(cache_bytes / row_bytes / 4 * 4, 4);
    }
    std::unique_ptr<Rows> take(const std::vector<Index>& which) const override {
        return copy_dense<Scalar>(*this, which);
    }
    // Four rows share the loads of v.
    void multiply(Index begin, Index end, const double* v, double* z) const override {
        Index i = begin;
        for (; i + 4 <= end; i += 4) {
            const Scalar *a = row(i), *b = row(i + 1), *c = row(i + 2), *d = row(i + 3);
            double sa = 0, sb = 0, sc = 0, sd = 0;
#pragma omp simd reduction(+ : sa, sb, sc, sd)
            for (Index j = 0; j < columns_; ++j) {
                sa += v[j] * static_cast<double>(a[j]);
                sb += v[j] * static_cast<double>(b[j]);
                sc += v[j] * static_cast<double>(c[j]);
                sd += v[j] * static_cast<double>(d[j]);
            }
            double* const out = z + (i - begin);
            out[0] = sa, out[1] = sb, out[2] = sc, out[3] = sd;
        }
        for (; i < end; ++i) {
            const Scalar* a = row(i);
            double sum = 0;
#pragma omp simd reduction(+ : sum)
            for (Index j = 0; j < columns_; ++j) sum += v[j] * static_cast<double>(a[j]);
            z[i - begin] = sum;
        }
    }
    void add_transposed(Index begin, Index end, const double* u, double* g) const override {
        Index i = begin;
        for (; i + 4 <= end; i += 4) {
            const Scalar *a = row(i), *b = row(i + 1), *c = row(i + 2), *d = row(i + 3);
            const double *w = u + (i - begin), ua = w[0], ub = w[1], uc = w[2], ud = w[3];
#pragma omp simd
            for (Index j = 0; j < columns_; ++j) {
                g[j] += (ua * static_cast<double>(a[j]) + ub * static_cast<double>(b[j])) +
                        (uc * static_cast<double>(c[j]) + ud * static_cast<double>(d[j]));
            }
        }
        for (; i < end; ++i) {
            const Scalar* a = row(i);
            const double ui = u[i - begin];
#pragma omp simd
            for (Index j = 0; j < columns_; ++j) g[j] += ui * static_cast<double>(a[j]);
        }
    }
    void add_squares(Index begin, Index end, const double* u, double* g) const override {
        for (Index i = begin; i < end; ++i) {
            const Scalar* a = row(i);
            const double ui = u[i - begin];
#pragma omp simd
            for (Index j = 0; j < columns_; ++j) {
                const auto value = static_cast<double>(a[j]);
                g[j] += ui * value * value;
            }
        }
    }
    void pack(const Index* which, Index count, Index from, Index to, double* out) const override {
        pack_to(which, count, from, to, out);
    }
    void pack(const Index* which, Index count, Index from, Index to, float* out) const override {
        pack_to(which, count, from, to, out);
    }

private:
    const Scalar* row(Index i) const { return data_ + i * stride_; }

    template <class Real>
    void pack_to(const Index* which, Index count, Index from, Index to, Real* out) const {
        const Index width = to - from;
        for (Index i = 0; i < count; ++i) {
            const Scalar* source = row(which[i]) + from;
            Real* target = out + i * width;
#pragma omp simd
            for (Index j = 0; j < width; ++j) target[j] = static_cast<Real>(source[j]);
        }
    }

    const Scalar* data_;
    Index stride_;
};

template <class Scalar>
class ColumnMajorRows final : public DenseRows {
public:
    ColumnMajorRows(const Scalar* data, Index rows, Index columns, Index stride)
        : DenseRows(rows, columns), data_(data), stride_(stride) {}

    Index block_rows() const override {
        const Index column_bytes = columns_ * static_cast<Index>(sizeof(Scalar));
        return std::clamp<Index>(4 * cache_bytes / column_bytes / 8 * 8, 64, 2048);
    }
    std::unique_ptr<Rows> take(const std::vector<Index>& which) const override {
        return copy_dense<Scalar>(*this, which);
    }
    // Four columns share the loads and stores of z.
    void multiply(Index begin, Index end, const double* v, double* z) const override {
        const Index count = end - begin;
        std::fill(z, z + count, 0.0);
        Index j = 0;
        for (; j + 4 <= columns_; j += 4) {
            const Scalar *a = column(j, begin), *b = column(j + 1, begin),
                         *c = column(j + 2, begin), *d = column(j + 3, begin);
            const double va = v[j], vb = v[j + 1], vc = v[j + 2], vd = v[j + 3];
#pragma omp simd
            for (Index i = 0; i < count; ++i) {
                z[i] += (va * static_cast<double>(a[i]) + vb * static_cast<double>(b[i])) +
                        (vc * static_cast<double>(c[i]) + vd * static_cast<double>(d[i]));
            }
        }
        for (; j < columns_; ++j) {
            const Scalar* a = column(j, begin);
#pragma omp simd
            for (Index i = 0; i < count; ++i) z[i] += v[j] * static_cast<double>(a[i]);
        }
    }
    void add_transposed(Index begin, Index end, const double* u, double* g) const override {
        const Index count = end - begin;
        Index j = 0;
        for (; j + 4 <= columns_; j += 4) {
            const Scalar *a = column(j, begin), *b = column(j + 1, begin),
                         *c = column(j + 2, begin), *d = column(j + 3, begin);
            double sa = 0, sb = 0, sc = 0, sd = 0;
#pragma omp simd reduction(+ : sa, sb, sc, sd)
            for (Index i = 0; i < count; ++i) {
                sa += u[i] * static_cast<double>(a[i]);
                sb += u[i] * static_cast<double>(b[i]);
                sc += u[i] * static_cast<double>(c[i]);
                sd += u[i] * static_cast<double>(d[i]);
            }
            g[j] += sa, g[j + 1] += sb, g[j + 2] += sc, g[j + 3] += sd;
        }
        for (; j < columns_; ++j) {
            const Scalar* a = column(j, begin);
            double sum = 0;
#pragma omp simd reduction(+ : sum)
            for (Index i = 0; i < count; ++i) sum += u[i] * static_cast<double>(a[i]);
            g[j] += sum;
        }
    }
    void add_squares(Index begin, Index end, const double* u, double* g) const override {
        for (Index j = 0; j < columns_; ++j) {
            const Scalar* a = column(j, begin);
            double sum = 0;
#pragma omp simd reduction(+ : sum)
            for (Index i = 0; i < end - begin; ++i) {
                const auto value = static_cast<double>(a[i]);
                sum += u[i] * value * value;
            }
            g[j] += sum;
        }
    }
    void pack(const Index* which, Index count, Index from, Index to, double* out) const override {
        pack_to(which, count, from, to, out);
    }
    void pack(const Index* which, Index count, Index from, Index to, float* out) const override {
        pack_to(which, count, from, to, out);
    }

private:
    const Scalar* column(Index j, Index begin) const { return data_ + j * stride_ + begin; }

    // A few rows at a time, or what is written to would fall out of the cache.
    template <class Real>
    void pack_to(const Index* which, Index count, Index from, Index to, Real* out) const {
        const Index width = to - from;
        for (Index first = 0; first < count; first += 16) {
            const Index last = std::min<Index>(first + 16, count);
            for (Index j = from; j < to; ++j) {
                const Scalar* source = column(j, 0);
                for (Index i = first; i < last; ++i) {
                    out[i * width + (j - from)] = static_cast<Real>(source[which[i]]);
                }
            }
        }
    }

    const Scalar* data_;
    Index stride_;
};

template <class Scalar>
class OwnedDenseRows final : private std::vector<Scalar>, public RowMajorRows<Scalar> {
public:
    OwnedDenseRows(std::vector<Scalar> values, Index rows, Index columns)
        : std::vector<Scalar>(std::move(values)),
          RowMajorRows<Scalar>(this->std::vector<Scalar>::data(), rows, columns, columns) {}
};

template <class Scalar>
std::unique_ptr<Rows> copy_dense(const Rows& x, const std::vector<Index>& which) {
    const Index count = std::ssize(which), d = x.columns();
    std::vector<Scalar> values(static_cast<std::size_t>(count * d));
    x.pack(which.data(), count, 0, d, values.data());
    return std::make_unique<OwnedDenseRows<Scalar>>(std::move(values), count, d);
}

}  // namespace

template <class Scalar>
std::unique_ptr<Rows> make_dense_rows(const Scalar* data, Index rows, Index columns,
                                      Index row_stride, Index column_stride) {
    if (column_stride == 1 || columns == 1) {
        return std::make_unique<RowMajorRows<Scalar>>(data, rows, columns, row_stride);
    }
    return std::make_unique<ColumnMajorRows<Scalar>>(data, rows, columns, column_stride);
}

template std::unique_ptr<Rows> make_dense_rows(const float*, Index, Index, Index, Index);
template std::unique_ptr<Rows> make_dense_rows(const double*, Index, Index, Index, Index);

}  // namespace cycloid::newton
