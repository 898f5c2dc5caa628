#include "cycloid/ot/cell_pass.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <array>
#include <cmath>

#include "cycloid/core/simd.hpp"

namespace cycloid::ot {
namespace {

using Values = std::vector<double>;

constexpr Index group_size = Cells::largest / 2;  // rows that share what is within reach, or so
constexpr Index tile_size = 512;         // columns whose numbers stay in the first-level cache
constexpr Index together = 4;            // rows that share the loads of columns
constexpr double least_exponent = -500;  // see row_pass.cpp
constexpr float least_single_exponent = -80;
constexpr double single_precision = 5e-7;  // marginals that entries of 24 bits are good enough for

Values zeros(Index count) { return Values(static_cast<std::size_t>(count)); }

double exponential(double x) { return simd::exp_nonpositive(std::max(x, least_exponent)); }
float exponential(float x) { return simd::exp_nonpositive(std::max(x, least_single_exponent)); }

// Entries are kept as `Real` between the pass along a row that sums it and the one that adds its
// shares to the columns.
template <class Real>
class CellPass {
public:
    CellPass(const Cost& cost, const Masses& masses, double reg, const CellOptions& options,
             Kernel& kernel, Point& point, Counts& counts)
        : cost_(cost),
          masses_(masses),
          reg_(reg),
          options_(options),
          kernel_(kernel),
          point_(point),
          counts_(counts),
          cell_masses_{options.rows.sums(masses.a), options.columns.sums(masses.b)},
          inverse_b_(cell_masses_.b),
          densities_(masses.b.size()) {
        for (double& b : inverse_b_) b = 1 / b;
        for (std::size_t j = 0; j < densities_.size(); ++j) {
            densities_[j] = point.g[j] / reg - std::log(masses.b[j]);
        }
    }

    Pieces pieces() const { return {std::ssize(cell_masses_.a), std::ssize(cell_masses_.b)}; }

    // Rows of cells [begin, end); adds to the columns' sums and counts.
    void run(Index piece, Index begin, Index end, double* sums, double* counts,
             const Context& context) const {
        Buffers buffers(cost_.columns(), std::ssize(inverse_b_));
        const Cells& rows = options_.rows;
        for (Index first = begin; first < end;) {
            Index next = first + 1;
            while (next < end && rows.end(next) - rows.begin(first) <= group_size) ++next;
            buffers.find_tiles(cost_.reach(rows.begin(first), rows.begin(next),
                                           {densities_, masses_.b, reg_, options_.lost}));
            for (; first < next; ++first) {
                if (context.stop()) return;
                const Index to = rows.end(first);
                for (Index i = rows.begin(first); i < to; i += together) {
                    add_rows(i, std::min(together, to - i), buffers, counts);
                }
                store(piece, first, sums, buffers);
            }
        }
    }

private:
    struct Tile {
        Index begin, end;
        std::array<double, together> largest, sum, factor;  // of each row
    };
    struct Buffers {
        Buffers(Index columns, Index n_cells)
            : cost(zeros(tile_size)),
              plan(zeros(columns)),
              cells(zeros(n_cells)),
              share(static_cast<std::size_t>(together * columns)) {}

        void find_tiles(const std::vector<Range>& ranges) {
            tiles.clear();
            for (const Range& range : ranges) {
                for (Index from = range.begin; from < range.end; from += tile_size) {
                    tiles.push_back({from, std::min(from + tile_size, range.end), {}, {}, {}});
                }
            }
        }

        Values cost, plan, cells;
        std::vector<Real> share;
        std::vector<Tile> tiles;
    };

    // plan += a_i exp((g_j - cost_ij) / reg) over the row's sum, which gives f_i, for some rows.
    void add_rows(Index first, Index count, Buffers& buffers, double* counts) const {
        Real* share = buffers.share.data();
        for (Tile& tile : buffers.tiles) {
            for (Index r = 0; r < count; ++r, share += tile.end - tile.begin) {
                exponentials(first + r, r, tile, buffers.cost.data(), share);
            }
        }
        for (Index r = 0; r < together; ++r) normalize(first + r, r, r < count, buffers.tiles);
        share = buffers.share.data();
        std::array<double, together> kept{};
        for (const Tile& tile : buffers.tiles) {
            double *plan = buffers.plan.data() + tile.begin, *columns = counts + tile.begin;
            if (count == together) {
                add_four(tile, share, plan, columns, kept);
            } else {
                add_few(tile, count, share, plan, columns, kept);
            }
            share += count * (tile.end - tile.begin);
        }
        std::copy_n(kept.begin(), count, counts_.rows.begin() + first);
    }

    void exponentials(Index i, Index r, Tile& tile, double* cost, Real* share) const {
        const Index size = tile.end - tile.begin;
        const double* g = point_.g.data() + tile.begin;
        const double inverse_reg = 1 / reg_;
        const Range range{tile.begin, tile.end};
        cost_.row(i, {&range, 1}, cost);
        Eigen::Map<Eigen::ArrayXd> exponent(cost, size);
        exponent = (Eigen::Map<const Eigen::ArrayXd>(g, size) - exponent) * inverse_reg;
        const double largest = exponent.maxCoeff();
        Real sum = 0;
#pragma omp simd reduction(+ : sum)
        for (Index j = 0; j < size; ++j) {
            share[j] = exponential(static_cast<Real>(cost[j] - largest));
            sum += share[j];
        }
        tile.largest[r] = largest;
        tile.sum[r] = static_cast<double>(sum);
    }

    void normalize(Index i, Index r, bool exists, std::vector<Tile>& tiles) const {
        double largest = -std::numeric_limits<double>::infinity(), sum = 0;
        for (const Tile& tile : tiles) largest = std::max(largest, tile.largest[r]);
        for (Tile& tile : tiles) {
            tile.factor[r] = exists ? std::exp(tile.largest[r] - largest) : 0;
            sum += tile.factor[r] * tile.sum[r];
        }
        if (!exists) return;
        for (Tile& tile : tiles) tile.factor[r] *= masses_.a[i] / sum;
        point_.f[i] = reg_ * (std::log(masses_.a[i]) - largest - std::log(sum));
    }

    void add_four(const Tile& tile, const Real* share, double* plan, double* counts,
                  std::array<double, together>& kept) const {
        const Index size = tile.end - tile.begin;
        const Real *s0 = share, *s1 = s0 + size, *s2 = s1 + size, *s3 = s2 + size;
        const double y0 = tile.factor[0], y1 = tile.factor[1];
        const double y2 = tile.factor[2], y3 = tile.factor[3];
        const double least = options_.least;
        double n0 = 0, n1 = 0, n2 = 0, n3 = 0;
#pragma omp simd reduction(+ : n0, n1, n2, n3)
        for (Index j = 0; j < size; ++j) {
            const double p0 = y0 * double{s0[j]}, p1 = y1 * double{s1[j]};
            const double p2 = y2 * double{s2[j]}, p3 = y3 * double{s3[j]};
            const double c0 = p0 > least ? 1.0 : 0.0, c1 = p1 > least ? 1.0 : 0.0;
            const double c2 = p2 > least ? 1.0 : 0.0, c3 = p3 > least ? 1.0 : 0.0;
            plan[j] += (p0 + p1) + (p2 + p3);
            counts[j] += (c0 + c1) + (c2 + c3);
            n0 += c0, n1 += c1, n2 += c2, n3 += c3;
        }
        kept[0] += n0, kept[1] += n1, kept[2] += n2, kept[3] += n3;
    }

    void add_few(const Tile& tile, Index count, const Real* share, double* plan, double* counts,
                 std::array<double, together>& kept) const {
        const Index size = tile.end - tile.begin;
        for (Index r = 0; r < count; ++r, share += size) {
            double n = 0;
#pragma omp simd reduction(+ : n)
            for (Index j = 0; j < size; ++j) {
                const double p = tile.factor[r] * double{share[j]};
                const double c = p > options_.least ? 1.0 : 0.0;
                plan[j] += p;
                counts[j] += c;
                n += c;
            }
            kept[r] += n;
        }
    }

    // A finished row of cells: to the column sums, and to the kernel.
    void store(Index piece, Index row, double* sums, Buffers& buffers) const {
        double *plan = buffers.plan.data(), *cells = buffers.cells.data();
        const Cells& columns = options_.columns;
        const double inverse_a = 1 / cell_masses_.a[row];
        const double least = options_.least * inverse_a;
        const bool sparse = kernel_.storage() == Storage::Sparse;
        for (const Tile& tile : buffers.tiles) {
            for (Index j = tile.begin; j < tile.end; ++j) sums[j] += plan[j];
            const Index begin = columns.of(tile.begin), end = columns.of(tile.end - 1) + 1;
            for (Index c = begin; c < end; ++c) {
                double sum = 0;
                for (Index j = columns.begin(c); j < columns.end(c); ++j) sum += plan[j];
                cells[c] = inverse_a * sum;
            }
            if (sparse) kernel_.append(piece, begin, end, cells, inverse_b_.data(), least);
            std::fill(plan + tile.begin, plan + tile.end, 0.0);
        }
        if (sparse) {
            kernel_.end_row(piece);
        } else {
            kernel_.store(piece, row, cells, inverse_b_.data(), least);
        }
        for (const Tile& tile : buffers.tiles) {
            std::fill(cells + columns.of(tile.begin), cells + columns.of(tile.end - 1) + 1, 0.0);
        }
    }

    const Cost& cost_;
    const Masses& masses_;
    double reg_;
    const CellOptions& options_;
    Kernel& kernel_;
    Point& point_;
    Counts& counts_;
    Masses cell_masses_;
    Values inverse_b_, densities_;
};

template <class Real>
void pass_as(const Cost& cost, const Masses& masses, double reg, const CellOptions& options,
             Kernel& kernel, Point& point, Counts& counts, const Context& context) {
    const Index m = cost.columns();
    point.f.resize(masses.a.size());
    point.column_sums.resize(masses.b.size());
    counts.rows.resize(masses.a.size());
    counts.columns.resize(masses.b.size());
    const CellPass<Real> pass(cost, masses, reg, options, kernel, point, counts);
    const Pieces pieces = pass.pieces();
    kernel.reset(pieces, options.columns.count(), options.storage);
    Values partial = zeros(pieces.count * m), counted = zeros(pieces.count * m);
    const double work = 20 * static_cast<double>(cost.rows()) * static_cast<double>(m);
    parallel_for(context.team(work), pieces.count, [&](Index piece) {
        pass.run(piece, pieces.begin(piece), pieces.end(piece), partial.data() + piece * m,
                 counted.data() + piece * m, context);
    });
    add_up(partial, point.column_sums);
    add_up(counted, counts.columns);
    point.error = 0, point.dual = -reg, point.kept = 0;
    for (const double count : counts.rows) point.kept += count;
    for (std::size_t i = 0; i < masses.a.size(); ++i) point.dual += masses.a[i] * point.f[i];
    for (std::size_t j = 0; j < masses.b.size(); ++j) {
        point.dual += masses.b[j] * point.g[j];
        point.error += std::fabs(point.column_sums[j] - masses.b[j]);
    }
}

// Column by column, the largest exponent and the sum of exponentials over the largest.
void accumulate(const double* cost, double f, double inverse_reg, std::span<double> largest,
                std::span<double> sum) {
    const auto m = std::ssize(largest);
#pragma omp simd
    for (Index j = 0; j < m; ++j) {
        const double e = (f - cost[j]) * inverse_reg;
        const double top = std::max(e, largest[j]), other = std::min(e, largest[j]);
        const double small = simd::exp_nonpositive(std::max(other - top, least_exponent));
        sum[j] = e > largest[j] ? sum[j] * small + 1 : sum[j] + small;
        largest[j] = top;
    }
}

}  // namespace

void cell_pass(const Cost& cost, const Masses& masses, double reg, const CellOptions& options,
               Kernel& kernel, Point& point, Counts& counts, const Context& context) {
    const bool single = options.error >= single_precision;
    (single ? pass_as<float> : pass_as<double>)(cost, masses, reg, options, kernel, point, counts,
                                                context);
}

std::vector<double> column_potentials(const Cost& cost, View b, View f, double reg,
                                      const Context& context) {
    const Index n = cost.rows(), m = cost.columns();
    const Pieces pieces(n, m);
    const double lowest = -std::numeric_limits<double>::max();
    Values largest(static_cast<std::size_t>(pieces.count * m), lowest), sum(largest.size());
    const double work = 40 * static_cast<double>(n) * static_cast<double>(m);
    parallel_for(context.team(work), pieces.count, [&](Index piece) {
        Values buffer = zeros(m);
        const auto part = [&](Values& of) {
            return std::span<double>(of).subspan(piece * m, static_cast<std::size_t>(m));
        };
        for (Index i = pieces.begin(piece); i < pieces.end(piece); ++i) {
            if (context.stop()) return;
            accumulate(cost.row(i, buffer.data()), f[i], 1 / reg, part(largest), part(sum));
        }
    });
    Values g = zeros(m);
    for (Index j = 0; j < m; ++j) {
        double top = lowest, total = 0;
        for (Index p = 0; p < pieces.count; ++p) top = std::max(top, largest[p * m + j]);
        for (Index p = 0; p < pieces.count; ++p) {
            total += sum[p * m + j] * std::exp(largest[p * m + j] - top);
        }
        g[j] = reg * (std::log(b[j]) - top - std::log(total));
    }
    return g;
}

}  // namespace cycloid::ot
