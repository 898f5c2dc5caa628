// Dense matrices of either order. Work is cut by columns or by tiles, never by thread, so that
// every sum is taken in one fixed order.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "cycloid/core/narrow_gram.hpp"
#include "cycloid/core/operator.hpp"

namespace cycloid {
namespace {

constexpr Index stripe = 64;          // columns that one task of a row-major pass owns
constexpr Index row_block = 2048;     // rows that one task of `accumulate` owns
constexpr Index poll_work = 1 << 25;  // multiply-adds between two looks at the clock
constexpr Index narrow = 256;         // columns up to which narrow_gram is faster

// Whether js counts up by one: then a row's values lie side by side. (js need not be sorted.)
bool adjacent(Columns js) {
    for (std::size_t k = 1; k < js.size(); ++k) {
        if (js[k] != js[k - 1] + 1) return false;
    }
    return true;
}

// Column-major access: element i of a column is column[i].
template <class Scalar>
struct ColumnMajor {
    const Scalar* data;
    Index rows, columns, leading;

    const Scalar* column(Index j) const { return data + j * leading; }
    double value(Index i, Index j) const { return static_cast<double>(column(j)[i]); }

    // Four columns at a time share the loads of u and keep four sums in flight.
    void correlate(const double* u, Columns js, const double* centre, double* out) const {
        Index k = 0;
        const auto count = static_cast<Index>(js.size());
        for (; k + 4 <= count; k += 4) {
            const Scalar *a = column(js[k]), *b = column(js[k + 1]), *c = column(js[k + 2]),
                         *d = column(js[k + 3]);
            const double ma = shift(centre, js[k]), mb = shift(centre, js[k + 1]),
                         mc = shift(centre, js[k + 2]), md = shift(centre, js[k + 3]);
            double sa = 0, sb = 0, sc = 0, sd = 0;
#pragma omp simd reduction(+ : sa, sb, sc, sd)
            for (Index i = 0; i < rows; ++i) {
                sa += u[i] * (static_cast<double>(a[i]) - ma);
                sb += u[i] * (static_cast<double>(b[i]) - mb);
                sc += u[i] * (static_cast<double>(c[i]) - mc);
                sd += u[i] * (static_cast<double>(d[i]) - md);
            }
            out[k] = sa, out[k + 1] = sb, out[k + 2] = sc, out[k + 3] = sd;
        }
        for (; k < count; ++k) {
            const Scalar* a = column(js[k]);
            const double ma = shift(centre, js[k]);
            double sa = 0;
#pragma omp simd reduction(+ : sa)
            for (Index i = 0; i < rows; ++i) sa += u[i] * (static_cast<double>(a[i]) - ma);
            out[k] = sa;
        }
    }
    void survey(const double* w, const double* u, bool centred, Index begin, Index end,
                double total, double* mean, double* variance, double* correlation) const {
        double sum_u = 0;
        for (Index i = 0; i < rows; ++i) sum_u += u[i];
        for (Index j = begin; j < end; ++j) {
            const Scalar* x = column(j);
            // Sums about the first value keep their digits when the mean is far from zero.
            const double pivot = centred ? static_cast<double>(x[0]) : 0.0;
            double s1 = 0, s2 = 0, c = 0;
#pragma omp simd reduction(+ : s1, s2, c)
            for (Index i = 0; i < rows; ++i) {
                const double d = static_cast<double>(x[i]) - pivot;
                s1 += w[i] * d;
                s2 += w[i] * d * d;
                c += u[i] * d;
            }
            finish(centred, pivot, total, sum_u, s1, s2, c, mean[j], variance[j], correlation[j]);
        }
    }
    void accumulate(Columns js, const double* coef, const double* centre, Index begin, Index end,
                    double* out) const {
        Index k = 0;
        const auto count = static_cast<Index>(js.size());
        double offset = 0;
        for (Index q = 0; q < count; ++q) offset += coef[q] * shift(centre, js[q]);
        for (; k + 4 <= count; k += 4) {
            const Scalar *a = column(js[k]), *b = column(js[k + 1]), *c = column(js[k + 2]),
                         *d = column(js[k + 3]);
            const double va = coef[k], vb = coef[k + 1], vc = coef[k + 2], vd = coef[k + 3];
#pragma omp simd
            for (Index i = begin; i < end; ++i) {
                out[i] += (va * static_cast<double>(a[i]) + vb * static_cast<double>(b[i])) +
                          (vc * static_cast<double>(c[i]) + vd * static_cast<double>(d[i]));
            }
        }
        for (; k < count; ++k) {
            const Scalar* a = column(js[k]);
            const double va = coef[k];
#pragma omp simd
            for (Index i = begin; i < end; ++i) out[i] += va * static_cast<double>(a[i]);
        }
        if (offset != 0) {
            for (Index i = begin; i < end; ++i) out[i] -= offset;
        }
    }
    // Rows [begin, end) of the columns [from, to) of js, scaled and centred, into packed(:, k).
    template <class Out>
    void pack(Columns js, Index from, Index to, Index begin, Index end, const double* root,
              const double* centre, Out* packed, Index packed_rows) const {
        for (Index k = from; k < to; ++k) {
            const Scalar* x = column(js[k]) + begin;
            const double m = shift(centre, js[k]);
            Out* p = packed + k * packed_rows;
#pragma omp simd
            for (Index i = 0; i < end - begin; ++i) {
                p[i] = static_cast<Out>(root[begin + i] * (static_cast<double>(x[i]) - m));
            }
        }
    }
    static double shift(const double* centre, Index j) { return centre != nullptr ? centre[j] : 0; }
    static void finish(bool centred, double pivot, double total, double sum_u, double s1, double s2,
                       double c, double& mean, double& variance, double& correlation) {
        mean = centred ? pivot + s1 / total : 0.0;
        variance = centred ? s2 - s1 * (s1 / total) : s2;
        // s2 carries any non-finite value; rounding must not make a constant column negative.
        if (centred && variance < 1e-14 * s2) variance = 0;
        if (!std::isfinite(s2)) variance = s2;
        correlation = centred ? c - (s1 / total) * sum_u : c;
    }
};

// Row-major access, cut into stripes of columns.
template <class Scalar>
struct RowMajor {
    const Scalar* data;
    Index rows, columns, leading;

    const Scalar* row(Index i) const { return data + i * leading; }
    double value(Index i, Index j) const { return static_cast<double>(row(i)[j]); }
    static double shift(const double* centre, Index j) { return centre != nullptr ? centre[j] : 0; }

    void correlate(const double* u, Columns js, const double* centre, double* out) const {
        double sum_u = 0;
        for (Index i = 0; i < rows; ++i) sum_u += u[i];
        const auto count = static_cast<Index>(js.size());
        for (Index from = 0; from < count; from += stripe) {
            const Index width = std::min(stripe, count - from);
            const Index first = js[from];
            const bool together = adjacent(js.subspan(from, width));
            double sums[stripe] = {};
            for (Index i = 0; i < rows; ++i) {
                const Scalar* x = row(i);
                const double ui = u[i];
                if (together) {
#pragma omp simd
                    for (Index k = 0; k < width; ++k) {
                        sums[k] += ui * static_cast<double>(x[first + k]);
                    }
                } else {
                    for (Index k = 0; k < width; ++k) {
                        sums[k] += ui * static_cast<double>(x[js[from + k]]);
                    }
                }
            }
            for (Index k = 0; k < width; ++k) {
                out[from + k] = sums[k] - shift(centre, js[from + k]) * sum_u;
            }
        }
    }
    void survey(const double* w, const double* u, bool centred, Index begin, Index end,
                double total, double* mean, double* variance, double* correlation) const {
        double sum_u = 0;
        for (Index i = 0; i < rows; ++i) sum_u += u[i];
        for (Index from = begin; from < end; from += stripe) {
            const Index width = std::min(stripe, end - from);
            double pivot[stripe] = {}, s1[stripe] = {}, s2[stripe] = {}, c[stripe] = {};
            if (centred) {
                for (Index k = 0; k < width; ++k) pivot[k] = static_cast<double>(row(0)[from + k]);
            }
            for (Index i = 0; i < rows; ++i) {
                const Scalar* x = row(i) + from;
                const double wi = w[i], ui = u[i];
#pragma omp simd
                for (Index k = 0; k < width; ++k) {
                    const double d = static_cast<double>(x[k]) - pivot[k];
                    s1[k] += wi * d;
                    s2[k] += wi * d * d;
                    c[k] += ui * d;
                }
            }
            for (Index k = 0; k < width; ++k) {
                ColumnMajor<Scalar>::finish(centred, pivot[k], total, sum_u, s1[k], s2[k], c[k],
                                            mean[from + k], variance[from + k],
                                            correlation[from + k]);
            }
        }
    }
    void accumulate(Columns js, const double* coef, const double* centre, Index begin, Index end,
                    double* out) const {
        const auto count = static_cast<Index>(js.size());
        if (count == 0) return;
        double offset = 0;
        for (Index k = 0; k < count; ++k) offset += coef[k] * shift(centre, js[k]);
        const Index first = js[0];
        const bool together = adjacent(js);
        for (Index i = begin; i < end; ++i) {
            const Scalar* x = row(i);
            double sum = 0;
            if (together) {
#pragma omp simd reduction(+ : sum)
                for (Index k = 0; k < count; ++k) {
                    sum += coef[k] * static_cast<double>(x[first + k]);
                }
            } else {
                for (Index k = 0; k < count; ++k) sum += coef[k] * static_cast<double>(x[js[k]]);
            }
            out[i] += sum - offset;
        }
    }
    template <class Out>
    void pack(Columns js, Index from, Index to, Index begin, Index end, const double* root,
              const double* centre, Out* packed, Index packed_rows) const {
        for (Index i = begin; i < end; ++i) {
            const Scalar* x = row(i);
            Out* p = packed + (i - begin);
            for (Index k = from; k < to; ++k) {
                p[k * packed_rows] = static_cast<Out>(
                    root[i] * (static_cast<double>(x[js[k]]) - shift(centre, js[k])));
            }
        }
    }
};

template <class Layout>
class Dense final : public Operator {
public:
    explicit Dense(Layout layout) : x_(layout) {}

    Index rows() const override { return x_.rows; }
    Index columns() const override { return x_.columns; }
    bool sparse() const override { return false; }
    double nonzeros(Columns js) const override {
        return static_cast<double>(js.size()) * static_cast<double>(x_.rows);
    }

    void survey(const double* w, const double* u, bool centred, double* mean, double* variance,
                double* correlation, const Context& context) const override {
        double total = 0;
        for (Index i = 0; i < x_.rows; ++i) total += w[i];
        const Index chunk = poll_chunk();
        for (Index done = 0; done < x_.columns && !context.stop(); done += chunk) {
            const Index width = std::min(chunk, x_.columns - done);
            parallel_blocks(team(width, context), width, stripe, [&](Index begin, Index end) {
                x_.survey(w, u, centred, done + begin, done + end, total, mean, variance,
                          correlation);
            });
        }
    }

    void correlate(const double* u, Columns js, const double* centre, double* out,
                   const Context& context) const override {
        const auto count = static_cast<Index>(js.size());
        const Index chunk = poll_chunk();
        for (Index done = 0; done < count && !context.stop(); done += chunk) {
            const Columns part =
                js.subspan(static_cast<std::size_t>(done),
                           static_cast<std::size_t>(std::min(chunk, count - done)));
            const auto width = static_cast<Index>(part.size());
            parallel_blocks(team(width, context), width, stripe, [&](Index begin, Index end) {
                x_.correlate(u, part.subspan(begin, end - begin), centre, out + done + begin);
            });
        }
    }

    void accumulate(Columns js, const double* coef, const double* centre, double* out,
                    const Context& context) const override {
        const auto count = static_cast<Index>(js.size());
        const Index chunk = poll_chunk();
        for (Index done = 0; done < count && !context.stop(); done += chunk) {
            const Columns part =
                js.subspan(static_cast<std::size_t>(done),
                           static_cast<std::size_t>(std::min(chunk, count - done)));
            parallel_blocks(team(static_cast<Index>(part.size()), context), x_.rows, row_block,
                            [&](Index begin, Index end) {
                                x_.accumulate(part, coef + done, centre, begin, end, out);
                            });
        }
    }

    void correlate(const double* u, Index n_outputs, Columns js, const double* centre, double* out,
                   const Context& context) const override {
        if (n_outputs == 1) return correlate(u, js, centre, out, context);
        const auto count = static_cast<Index>(js.size());
        const Eigen::Map<const SideBySide> all(u, x_.rows, n_outputs);
        Eigen::Map<SideBySide> products(out, count, n_outputs);
        const std::vector<double> ones(static_cast<std::size_t>(x_.rows), 1.0);
        const Index chunk = poll_chunk();
        for (Index done = 0; done < count && !context.stop(); done += chunk) {
            const Index width = std::min(chunk, count - done);
            parallel_blocks(
                team(width * n_outputs, context), width, stripe, [&](Index from, Index to) {
                    auto part = products.middleRows(done + from, to - from);
                    part.setZero();
                    for_tiles(js.subspan(done + from, to - from), 0, x_.rows, ones.data(), centre,
                              [&](Index begin, const auto& tile) {
                                  part.noalias() +=
                                      tile.transpose() * all.middleRows(begin, tile.rows());
                              });
                });
        }
    }

    void accumulate(Columns js, const double* coef, Index n_outputs, const double* centre,
                    double* out, const Context& context) const override {
        if (n_outputs == 1) return accumulate(js, coef, centre, out, context);
        const auto count = static_cast<Index>(js.size());
        Eigen::Map<SideBySide> sums(out, x_.rows, n_outputs);
        const std::vector<double> ones(static_cast<std::size_t>(x_.rows), 1.0);
        for (Index done = 0; done < count && !context.stop(); done += stripe) {
            const Columns part = js.subspan(done, std::min(stripe, count - done));
            const auto width = static_cast<Index>(part.size());
            const Eigen::Map<const SideBySide> factors(coef + done * n_outputs, width, n_outputs);
            parallel_blocks(
                team(width * n_outputs, context), x_.rows, row_block, [&](Index from, Index to) {
                    for_tiles(part, from, to, ones.data(), centre,
                              [&](Index begin, const auto& tile) {
                                  sums.middleRows(begin, tile.rows()).noalias() += tile * factors;
                              });
                });
        }
    }

    void gram(Columns js, Index first, const double* h, const double* centre,
              Eigen::Ref<Eigen::MatrixXd> gram, const Context& context) const override {
        gram_of<double>(js, first, h, centre, gram, context);
    }
    void gram(Columns js, Index first, const double* h, const double* centre,
              Eigen::Ref<Eigen::MatrixXf> gram, const Context& context) const override {
        gram_of<float>(js, first, h, centre, gram, context);
    }

    // sqrt(w) and u / sqrt(w) stand beside the columns, so that their sums and correlations are
    // entries of the product too. Columns are taken about their first value, and moved to their
    // mean afterwards.
    bool moments(const double* w, const double* u, bool centred, double* mean, double* correlation,
                 Eigen::Ref<Eigen::MatrixXd> gram, const Context& context) const override {
        const Index m = x_.columns;
        if (m > narrow) return false;
        constexpr double bearable = 1e4;  // a mean so many deviations (squared) from zero
        const Eigen::Map<const Eigen::VectorXd> weight(w, x_.rows), direction(u, x_.rows);
        const Eigen::VectorXd root = weight.cwiseSqrt();
        const Eigen::VectorXd reduced = (root.array() > 0).select(direction.cwiseQuotient(root), 0);
        std::vector<Index> js(static_cast<std::size_t>(m));
        std::iota(js.begin(), js.end(), Index{0});
        std::vector<double> pivot(js.size(), 0.0);
        for (Index j = 0; centred && j < m; ++j) pivot[j] = x_.value(0, j);
        const auto pack = [&](Index begin, Index end, double* out, Index stride) {
            x_.pack(js, 0, m, begin, end, root.data(), pivot.data(), out, stride);
            std::copy(root.data() + begin, root.data() + end, out + m * stride);
            std::copy(reduced.data() + begin, reduced.data() + end, out + (m + 1) * stride);
        };
        Eigen::MatrixXd products = Eigen::MatrixXd::Zero(m + 2, m + 2);
        narrow_gram<double>(x_.rows, m + 2, pack, products, context);
        if (context.stop() || !(products(m, m) > 0)) return false;  // some rows are missing
        gram = products.topLeftCorner(m, m);
        for (Index j = 0; j < m; ++j) {
            mean[j] = 0;
            correlation[j] = products(m + 1, j);
            if (!centred) continue;
            const double shift = products(m, j) / products(m, m);
            mean[j] = pivot[j] + shift;
            correlation[j] -= shift * products(m + 1, m);
            gram.col(j).tail(m - j) -= shift * products.row(m).segment(j, m - j).transpose();
            if (shift * products(m, j) > bearable * gram(j, j)) return false;
        }
        return true;
    }

    void gather(Columns js, const double* centre, ColumnBlock& block,
                const Context& context) const override {
        const auto m = static_cast<Index>(js.size());
        block.n_rows = x_.rows;
        block.sparse = false;
        block.values.resize(static_cast<std::size_t>(x_.rows * (block.n_columns + m)));
        double* const values = block.values.data() + x_.rows * block.n_columns;
        block.n_columns += m;
        const std::vector<double> ones(static_cast<std::size_t>(x_.rows), 1.0);
        parallel_blocks(team(m, context), m, 16, [&](Index from, Index to) {
            x_.pack(js, from, to, 0, x_.rows, ones.data(), centre, values, x_.rows);
        });
    }

private:
    using SideBySide = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

    // visit(first row, tile) with the rows [from, to) of at most `stripe` columns, centred and in
    // double precision, a piece that fits into cache at a time.
    template <class Visit>
    void for_tiles(Columns js, Index from, Index to, const double* ones, const double* centre,
                   const Visit& visit) const {
        constexpr Index height = 256;
        const auto width = static_cast<Index>(js.size());
        Eigen::MatrixXd tile(std::min(height, to - from), width);
        for (Index begin = from; begin < to; begin += height) {
            const Index end = std::min(begin + height, to);
            x_.pack(js, 0, width, begin, end, ones, centre, tile.data(), tile.rows());
            visit(begin, tile.topRows(end - begin));
        }
    }

    // Panels of rows are packed (converted, centred, weighted by sqrt(h)) into cache, then
    // multiplied tile by tile: any layout, precision and weight meets the same product.
    template <class Real>
    void gram_of(Columns js, Index first, const double* h, const double* centre,
                 Eigen::Ref<Matrix<Real>> gram, const Context& context) const {
        const auto m = static_cast<Index>(js.size());
        std::vector<double> root(static_cast<std::size_t>(x_.rows));
        for (Index i = 0; i < x_.rows; ++i) root[i] = std::sqrt(h[i]);
        const Index height = std::clamp<Index>((1 << 17) / m, 256, 1024);
        const Index side = m <= 96 ? m : std::clamp<Index>((m / 4 + 7) / 8 * 8, 48, 256);
        const Index tiles = (m + side - 1) / side, first_tile = first / side;
        struct Tile {
            Index i, j;
        };
        std::vector<Tile> work;
        for (Index i = first_tile; i < tiles; ++i) {
            for (Index j = 0; j <= i; ++j) work.push_back({i, j});
        }
        gram.bottomRows(m - first).setZero();
        if (m <= narrow && first == 0) {
            const auto pack = [&](Index begin, Index end, Real* out, Index stride) {
                x_.pack(js, 0, m, begin, end, root.data(), centre, out, stride);
            };
            return narrow_gram<Real>(x_.rows, m, pack, gram, context);
        }
        Matrix<Real> packed(std::min(height, x_.rows), m);
        for (Index begin = 0; begin < x_.rows && !context.stop(); begin += height) {
            const Index end = std::min(begin + height, x_.rows), count = end - begin;
            parallel_blocks(context.team(double(count * m)), m, 16, [&](Index from, Index to) {
                x_.pack(js, from, to, begin, end, root.data(), centre, packed.data(),
                        packed.rows());
            });
            const auto product = [&](const Tile& tile) {
                const Index i = std::max(tile.i * side, first), j = tile.j * side;
                const Index rows = std::min((tile.i + 1) * side, m) - i;
                const Index columns = std::min(side, m - j);
                auto target = gram.block(i, j, rows, columns);
                const auto left = packed.block(0, i, count, rows);
                const auto right = packed.block(0, j, count, columns);
                if (i == j) {
                    target.template selfadjointView<Eigen::Lower>().rankUpdate(left.transpose());
                } else {
                    target.noalias() += left.transpose() * right;
                }
            };
            // In batches of some 10^8 multiply-adds, to look at the clock in between.
            const auto all = static_cast<Index>(work.size());
            const Index batch = std::max<Index>(2, 200000000 / (side * side * count));
            for (Index done = 0; done < all && !context.stop(); done += batch) {
                const Index some = std::min(batch, all - done);
                parallel_for(context.team(double(some) * double(side * side * count)), some,
                             [&](Index t) { product(work[done + t]); });
            }
        }
    }

    int team(Index columns, const Context& context) const {
        return context.team(double(columns) * double(x_.rows));
    }
    Index poll_chunk() const { return std::max(stripe, poll_work / std::max<Index>(x_.rows, 1)); }

    Layout x_;
};

}  // namespace

template <class Scalar>
std::unique_ptr<Operator> make_dense(const Scalar* data, Index rows, Index columns,
                                     Index row_stride, Index column_stride) {
    if (row_stride == 1 || rows == 1) {
        return std::make_unique<Dense<ColumnMajor<Scalar>>>(
            ColumnMajor<Scalar>{data, rows, columns, column_stride});
    }
    return std::make_unique<Dense<RowMajor<Scalar>>>(
        RowMajor<Scalar>{data, rows, columns, row_stride});
}

template std::unique_ptr<Operator> make_dense(const float*, Index, Index, Index, Index);
template std::unique_ptr<Operator> make_dense(const double*, Index, Index, Index, Index);

}  // namespace cycloid
