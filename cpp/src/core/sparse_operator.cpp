// Compressed sparse matrices. Every pass goes by columns; CSR input is transposed once.
#include <algorithm>
#include <cmath>

#include "cycloid/core/compressed.hpp"
#include "cycloid/core/narrow_gram.hpp"
#include "cycloid/core/operator.hpp"

namespace cycloid {
namespace {

constexpr Index piece = 256;  // columns that one task owns
constexpr Index slice = 32;   // outputs that are worked on at a time

// sums += factor * values; a whole slice has a length known to the compiler.
inline void add_scaled(double factor, const double* values, Index width, double* sums) {
    if (width == slice) {
#pragma omp simd
        for (Index c = 0; c < slice; ++c) sums[c] += factor * values[c];
    } else {
#pragma omp simd
        for (Index c = 0; c < width; ++c) sums[c] += factor * values[c];
    }
}

template <class Scalar, class StorageIndex>
struct Compressed {
    const Scalar* values;
    const StorageIndex* indices;
    const StorageIndex* starts;
};

template <class Scalar, class StorageIndex>
class Csc final : public Operator {
public:
    Csc(Compressed<Scalar, StorageIndex> x, Index rows, Index columns)
        : x_(x), rows_(rows), columns_(columns) {}

    Index rows() const override { return rows_; }
    Index columns() const override { return columns_; }
    bool sparse() const override { return true; }
    double nonzeros(Columns js) const override {
        double count = 0;
        for (const Index j : js) count += static_cast<double>(end(j) - begin(j));
        return count;
    }

    void survey(const double* w, const double* u, bool centred, double* mean, double* variance,
                double* correlation, const Context& context) const override {
        double total = 0, sum_u = 0;
        for (Index i = 0; i < rows_; ++i) total += w[i], sum_u += u[i];
        parallel_blocks(context.team(stored(columns_)), columns_, piece, [&](Index from, Index to) {
            for (Index j = from; j < to; ++j) {
                double s1 = 0, stored = 0, c = 0;
                for (Index q = begin(j); q < end(j); ++q) {
                    const Index i = row(q);
                    const double v = value(q);
                    s1 += w[i] * v;
                    stored += w[i];
                    c += u[i] * v;
                }
                const double m = centred ? s1 / total : 0.0;
                // The rows that are not stored lie at -m each.
                double s2 = std::max(total - stored, 0.0) * m * m;
                for (Index q = begin(j); q < end(j); ++q) {
                    const double d = value(q) - m;
                    s2 += w[row(q)] * d * d;
                }
                mean[j] = m;
                variance[j] = s2 < 1e-14 * total * m * m ? 0.0 : s2;
                correlation[j] = c - m * sum_u;
            }
        });
    }

    void correlate(const double* u, Columns js, const double*, double* out,
                   const Context& context) const override {
        const auto count = static_cast<Index>(js.size());
        const Index chunk = Index{1} << 20;
        for (Index done = 0; done < count && !context.stop(); done += chunk) {
            const Index width = std::min(chunk, count - done);
            parallel_blocks(context.team(stored(width)), width, piece, [&](Index from, Index to) {
                for (Index k = done + from; k < done + to; ++k) {
                    out[k] = dot(js[k], u);
                }
            });
        }
    }

    void accumulate(Columns js, const double* coef, const double*, double* out,
                    const Context& context) const override {
        const auto count = static_cast<Index>(js.size());
        for (Index k = 0; k < count; ++k) {
            if ((k & 0xffff) == 0 && context.stop()) return;
            const double c = coef[k];
            for (Index q = begin(js[k]); q < end(js[k]); ++q) out[row(q)] += c * value(q);
        }
    }

    // A slice of the outputs at a time, so that its values for all rows stay in cache, and the sums
    // of a column in registers.
    void correlate(const double* u, Index n_outputs, Columns js, const double*, double* out,
                   const Context& context) const override {
        const auto count = static_cast<Index>(js.size());
        const double work = stored(count) * static_cast<double>(n_outputs);
        for (Index from = 0; from < n_outputs && !context.stop(); from += slice) {
            const Index width = std::min(slice, n_outputs - from);
            parallel_blocks(context.team(work), count, piece, [&](Index first, Index last) {
                for (Index k = first; k < last; ++k) {
                    double sums[slice] = {};
                    for (Index q = begin(js[k]); q < end(js[k]); ++q) {
                        const double* values = u + row(q) * n_outputs + from;
                        add_scaled(value(q), values, width, sums);
                    }
                    std::copy(sums, sums + width, out + k * n_outputs + from);
                }
            });
        }
    }

    // Tasks own slices of the outputs: every sum is taken in one order.
    void accumulate(Columns js, const double* coef, Index n_outputs, const double*, double* out,
                    const Context& context) const override {
        const auto count = static_cast<Index>(js.size());
        const double work = stored(count) * static_cast<double>(n_outputs);
        parallel_blocks(context.team(work), n_outputs, slice, [&](Index from, Index to) {
            for (Index k = 0; k < count; ++k) {
                const double* factors = coef + k * n_outputs + from;
                for (Index q = begin(js[k]); q < end(js[k]); ++q) {
                    add_scaled(value(q), factors, to - from, out + row(q) * n_outputs + from);
                }
            }
        });
    }

    void gram(Columns js, Index first, const double* h, const double*,
              Eigen::Ref<Eigen::MatrixXd> gram, const Context& context) const override {
        gram_of<double>(js, first, h, gram, context);
    }
    void gram(Columns js, Index first, const double* h, const double*,
              Eigen::Ref<Eigen::MatrixXf> gram, const Context& context) const override {
        gram_of<float>(js, first, h, gram, context);
    }

    void gather(Columns js, const double*, ColumnBlock& block,
                const Context& context) const override {
        const Index before = block.n_columns, m = static_cast<Index>(js.size());
        block.n_rows = rows_;
        block.n_columns += m;
        block.sparse = true;
        if (before == 0) block.starts.assign(1, 0);
        for (const Index j : js) block.starts.push_back(block.starts.back() + end(j) - begin(j));
        block.rows.resize(static_cast<std::size_t>(block.starts.back()));
        block.values.resize(block.rows.size());
        parallel_blocks(context.team(stored(m)), m, piece, [&](Index from, Index to) {
            for (Index k = from; k < to; ++k) {
                Index slot = block.starts[before + k];
                for (Index q = begin(js[k]); q < end(js[k]); ++q, ++slot) {
                    block.rows[slot] = static_cast<std::int32_t>(row(q));
                    block.values[slot] = value(q);
                }
            }
        });
    }

    bool gather_rows(RowBlock& block) const override {
        const auto count = static_cast<Index>(x_.starts[columns_]);
        block.starts.assign(static_cast<std::size_t>(rows_) + 1, 0);
        for (Index q = 0; q < count; ++q) ++block.starts[row(q) + 1];
        for (Index i = 0; i < rows_; ++i) block.starts[i + 1] += block.starts[i];
        std::vector<Index> next(block.starts.begin(), block.starts.end() - 1);
        block.entries = std::make_unique_for_overwrite<RowBlock::Entry[]>(count);
        for (Index j = 0; j < columns_; ++j) {
            for (Index q = begin(j); q < end(j); ++q) {
                block.entries[next[row(q)]++] = {static_cast<std::int32_t>(j),
                                                 static_cast<float>(value(q))};
            }
        }
        return true;
    }

private:
    // Row i of the chosen columns contributes an outer product; column b of the result collects,
    // for each of its stored rows, that row's entries: no task writes into another's column.
    template <class Real>
    void gram_of(Columns js, Index first, const double* h, Eigen::Ref<Matrix<Real>> gram,
                 const Context& context) const {
        const auto m = static_cast<Index>(js.size());
        gram.bottomRows(m - first).setZero();
        const double cells = static_cast<double>(m) * static_cast<double>(rows_);
        if (first == 0 && m <= 256 && nonzeros(js) > 0.25 * cells) {
            return filled_gram<Real>(js, h, gram, context);
        }
        std::vector<Index> row_starts(static_cast<std::size_t>(rows_) + 1, 0);
        for (const Index j : js) {
            for (Index q = begin(j); q < end(j); ++q) ++row_starts[row(q) + 1];
        }
        for (Index i = 0; i < rows_; ++i) row_starts[i + 1] += row_starts[i];
        std::vector<std::int32_t> positions(static_cast<std::size_t>(row_starts[rows_]));
        std::vector<double> entries(positions.size());
        std::vector<Index> next(row_starts.begin(), row_starts.end() - 1);
        for (Index k = 0; k < m; ++k) {
            for (Index q = begin(js[k]); q < end(js[k]); ++q) {
                const Index slot = next[row(q)]++;
                positions[slot] = static_cast<std::int32_t>(k);
                entries[slot] = value(q);
            }
        }
        parallel_blocks(
            context.team(stored(m) * stored(m) / static_cast<double>(rows_)), m, 32,
            [&](Index from, Index to) {
                for (Index b = from; b < to; ++b) {
                    Real* column = gram.col(b).data();
                    const Index lowest = std::max(b, first);
                    for (Index q = begin(js[b]); q < end(js[b]); ++q) {
                        const Index i = row(q);
                        const double hv = h[i] * value(q);
                        // Positions ascend within a row: walk down from the end to b.
                        for (Index slot = row_starts[i + 1] - 1;
                             slot >= row_starts[i] && positions[slot] >= lowest; --slot) {
                            column[positions[slot]] += static_cast<Real>(hv * entries[slot]);
                        }
                    }
                }
            });
    }

    // Columns that are hardly sparse: filled with their zeros they meet the fast dense product.
    template <class Real>
    void filled_gram(Columns js, const double* h, Eigen::Ref<Matrix<Real>> gram,
                     const Context& context) const {
        const auto m = static_cast<Index>(js.size());
        const auto pack = [&](Index from, Index to, Real* out, Index stride) {
            for (Index k = 0; k < m; ++k, out += stride) {
                std::fill(out, out + (to - from), Real{0});
                const StorageIndex* const last = x_.indices + end(js[k]);
                const StorageIndex* i = std::lower_bound(x_.indices + begin(js[k]), last,
                                                         static_cast<StorageIndex>(from));
                for (; i != last && static_cast<Index>(*i) < to; ++i) {
                    out[*i - from] = static_cast<Real>(std::sqrt(h[*i]) * value(i - x_.indices));
                }
            }
        };
        narrow_gram<Real>(rows_, m, pack, gram, context);
    }

    Index begin(Index j) const { return static_cast<Index>(x_.starts[j]); }
    Index end(Index j) const { return static_cast<Index>(x_.starts[j + 1]); }
    Index row(Index q) const { return static_cast<Index>(x_.indices[q]); }
    double value(Index q) const { return static_cast<double>(x_.values[q]); }
    // About how many values stand in `count` columns.
    double stored(Index count) const {
        return static_cast<double>(count) * static_cast<double>(x_.starts[columns_]) /
               static_cast<double>(columns_);
    }

    // Two sums in flight: gathers are slow enough to hide one add behind another.
    double dot(Index j, const double* u) const {
        double even = 0, odd = 0;
        Index q = begin(j);
        for (; q + 2 <= end(j); q += 2) {
            even += u[row(q)] * value(q);
            odd += u[row(q + 1)] * value(q + 1);
        }
        return q < end(j) ? even + odd + u[row(q)] * value(q) : even + odd;
    }

    Compressed<Scalar, StorageIndex> x_;
    Index rows_, columns_;
};

// Owns the transposed copy that the view behind it looks at.
template <class Scalar, class StorageIndex>
struct Transposed {
    std::vector<Scalar> values;
    std::vector<StorageIndex> indices, starts;

    Transposed(const Compressed<Scalar, StorageIndex>& x, Index rows, Index columns)
        : values(static_cast<std::size_t>(x.starts[rows])),
          indices(values.size()),
          starts(static_cast<std::size_t>(columns) + 1, 0) {
        const auto count = static_cast<Index>(values.size());
        for (Index q = 0; q < count; ++q) ++starts[x.indices[q] + 1];
        for (Index j = 0; j < columns; ++j) starts[j + 1] += starts[j];
        std::vector<StorageIndex> next(starts.begin(), starts.end() - 1);
        for (Index i = 0; i < rows; ++i) {
            for (auto q = x.starts[i]; q < x.starts[i + 1]; ++q) {
                const auto slot = next[x.indices[q]]++;
                values[slot] = x.values[q];
                indices[slot] = static_cast<StorageIndex>(i);
            }
        }
    }
};

template <class Scalar, class StorageIndex>
class Csr final : private Transposed<Scalar, StorageIndex>, public Operator {
public:
    Csr(const Compressed<Scalar, StorageIndex>& x, Index rows, Index columns)
        : Transposed<Scalar, StorageIndex>(x, rows, columns),
          by_column_({this->values.data(), this->indices.data(), this->starts.data()}, rows,
                     columns) {}

    Index rows() const override { return by_column_.rows(); }
    Index columns() const override { return by_column_.columns(); }
    bool sparse() const override { return true; }
    double nonzeros(Columns js) const override { return by_column_.nonzeros(js); }
    void survey(const double* w, const double* u, bool centred, double* mean, double* variance,
                double* correlation, const Context& context) const override {
        by_column_.survey(w, u, centred, mean, variance, correlation, context);
    }
    void correlate(const double* u, Columns js, const double* centre, double* out,
                   const Context& context) const override {
        by_column_.correlate(u, js, centre, out, context);
    }
    void accumulate(Columns js, const double* coef, const double* centre, double* out,
                    const Context& context) const override {
        by_column_.accumulate(js, coef, centre, out, context);
    }
    void correlate(const double* u, Index n_outputs, Columns js, const double* centre, double* out,
                   const Context& context) const override {
        by_column_.correlate(u, n_outputs, js, centre, out, context);
    }
    void accumulate(Columns js, const double* coef, Index n_outputs, const double* centre,
                    double* out, const Context& context) const override {
        by_column_.accumulate(js, coef, n_outputs, centre, out, context);
    }
    void gram(Columns js, Index first, const double* h, const double* centre,
              Eigen::Ref<Eigen::MatrixXd> gram, const Context& context) const override {
        by_column_.gram(js, first, h, centre, gram, context);
    }
    void gram(Columns js, Index first, const double* h, const double* centre,
              Eigen::Ref<Eigen::MatrixXf> gram, const Context& context) const override {
        by_column_.gram(js, first, h, centre, gram, context);
    }
    void gather(Columns js, const double* centre, ColumnBlock& block,
                const Context& context) const override {
        by_column_.gather(js, centre, block, context);
    }
    bool gather_rows(RowBlock& block) const override { return by_column_.gather_rows(block); }

private:
    Csc<Scalar, StorageIndex> by_column_;
};

}  // namespace

template <class Scalar, class StorageIndex>
std::unique_ptr<Operator> make_csc(const Scalar* values, const StorageIndex* indices,
                                   const StorageIndex* starts, Index rows, Index columns) {
    check_compressed(indices, starts, columns, rows, rows);
    return std::make_unique<Csc<Scalar, StorageIndex>>(
        Compressed<Scalar, StorageIndex>{values, indices, starts}, rows, columns);
}

template <class Scalar, class StorageIndex>
std::unique_ptr<Operator> make_csr(const Scalar* values, const StorageIndex* indices,
                                   const StorageIndex* starts, Index rows, Index columns) {
    check_compressed(indices, starts, rows, columns, rows);
    return std::make_unique<Csr<Scalar, StorageIndex>>(
        Compressed<Scalar, StorageIndex>{values, indices, starts}, rows, columns);
}

#define CYCLOID_INSTANTIATE(Scalar, StorageIndex)                                   \
    template std::unique_ptr<Operator> make_csc(const Scalar*, const StorageIndex*, \
                                                const StorageIndex*, Index, Index); \
    template std::unique_ptr<Operator> make_csr(const Scalar*, const StorageIndex*, \
                                                const StorageIndex*, Index, Index);
CYCLOID_INSTANTIATE(float, std::int32_t)
CYCLOID_INSTANTIATE(float, std::int64_t)
CYCLOID_INSTANTIATE(double, std::int32_t)
CYCLOID_INSTANTIATE(double, std::int64_t)
#undef CYCLOID_INSTANTIATE

}  // namespace cycloid
