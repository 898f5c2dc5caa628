#include "cycloid/ot/cell_pass.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <array>
#include <cmath>

#include "cycloid/core/simd.hpp"

namespace cycloid::ot {
namespace {

using Values = std::vector<double>;

constexpr Index group_size = 32;         // rows that share what is within reach
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
             Kernel& kernel, Point& point)
        : cost_(cost),
          masses_(masses),
          reg_(reg),
          options_(options),
          cell_(options.cell),
          kernel_(kernel),
          point_(point),
          cell_masses_{cell_sums(masses.a, cell_), cell_sums(masses.b, cell_)},
          inverse_b_(cell_masses_.b),
          densities_(masses.b.size()) {
        for (double& b : inverse_b_) b = 1 / b;
        for (std::size_t j = 0; j < densities_.size(); ++j) {
            densities_[j] = point.g[j] / reg - std::log(masses.b[j]);
        }
    }

    Pieces pieces() const { return {std::ssize(cell_masses_.a), std::ssize(cell_masses_.b)}; }

    // Rows of cells [begin, end); adds to `sums`, returns how many entries matter.
    double run(Index piece, Index begin, Index end, double* sums, const Context& context) const {
        Buffers buffers(cost_.columns(), std::ssize(inverse_b_));
        const Index last = std::min(end * cell_, cost_.rows());
        const Index size = std::max(cell_, group_size);
        double kept = 0;
        for (Index first = begin * cell_; first < last;) {
            const Index next = std::min((first / size + 1) * size, last);
            buffers.find_tiles(
                cost_.reach(first, next, {densities_, masses_.b, reg_, options_.lost}));
            for (Index from = first; from < next; from += cell_) {
                if (context.stop()) return kept;
                const Index to = std::min(from + cell_, next);
                for (Index i = from; i < to; i += together) {
                    kept += add_rows(i, std::min(together, to - i), buffers);
                }
                store(piece, from / cell_, sums, buffers);
            }
            first = next;
        }
        return kept;
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
    double add_rows(Index first, Index count, Buffers& buffers) const {
        Real* share = buffers.share.data();
        for (Tile& tile : buffers.tiles) {
            for (Index r = 0; r < count; ++r, share += tile.end - tile.begin) {
                exponentials(first + r, r, tile, buffers.cost.data(), share);
            }
        }
        for (Index r = 0; r < together; ++r) normalize(first + r, r, r < count, buffers.tiles);
        share = buffers.share.data();
        double kept = 0;
        for (const Tile& tile : buffers.tiles) {
            const Index size = tile.end - tile.begin;
            double* plan = buffers.plan.data() + tile.begin;
            kept += count == together ? add_four(tile, share, plan)
                                      : add_few(tile, count, share, plan);
            share += count * size;
        }
        return kept;
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

    double add_four(const Tile& tile, const Real* share, double* plan) const {
        const Index size = tile.end - tile.begin;
        const Real *s0 = share, *s1 = s0 + size, *s2 = s1 + size, *s3 = s2 + size;
        const auto [y0, y1, y2, y3] = tile.factor;
        const double least = options_.least;
        double kept = 0;
#pragma omp simd reduction(+ : kept)
        for (Index j = 0; j < size; ++j) {
            const double p0 = y0 * double{s0[j]}, p1 = y1 * double{s1[j]};
            const double p2 = y2 * double{s2[j]}, p3 = y3 * double{s3[j]};
            plan[j] += (p0 + p1) + (p2 + p3);
            kept += (p0 > least ? 1.0 : 0.0) + (p1 > least ? 1.0 : 0.0) +
                    (p2 > least ? 1.0 : 0.0) + (p3 > least ? 1.0 : 0.0);
        }
        return kept;
    }

    double add_few(const Tile& tile, Index count, const Real* share, double* plan) const {
        const Index size = tile.end - tile.begin;
        double kept = 0;
        for (Index r = 0; r < count; ++r, share += size) {
#pragma omp simd reduction(+ : kept)
            for (Index j = 0; j < size; ++j) {
                const double p = tile.factor[r] * double{share[j]};
                plan[j] += p;
                kept += p > options_.least ? 1.0 : 0.0;
            }
        }
        return kept;
    }

    // A finished row of cells: to the column sums, and to the kernel.
    void store(Index piece, Index row, double* sums, Buffers& buffers) const {
        double *plan = buffers.plan.data(), *cells = buffers.cells.data();
        const double inverse_a = 1 / cell_masses_.a[row];
        const double least = options_.least * static_cast<double>(cell_) * inverse_a;
        const bool sparse = kernel_.storage() == Storage::Sparse;
        for (const Tile& tile : buffers.tiles) {
            for (Index j = tile.begin; j < tile.end; ++j) sums[j] += plan[j];
            const Index begin = tile.begin / cell_, end = (tile.end - 1) / cell_ + 1;
            for (Index c = begin; c < end; ++c) {
                double sum = 0;
                for (Index j = c * cell_; j < std::min((c + 1) * cell_, tile.end); ++j) {
                    sum += plan[j];
                }
                cells[c] = inverse_a * sum;
            }
            if (sparse) kernel_.append(piece, begin, end, cells, inverse_b_.data(), least);
            std::fill(plan + tile.begin, plan + tile.end, 0.0);
        }
        if (sparse) {
            kernel_.end_row(piece);
            return;
        }
        kernel_.store(piece, row, cells, inverse_b_.data(), least);
        for (const Tile& tile : buffers.tiles) {
            std::fill(cells + tile.begin / cell_, cells + (tile.end - 1) / cell_ + 1, 0.0);
        }
    }

    const Cost& cost_;
    const Masses& masses_;
    double reg_;
    const CellOptions& options_;
    Index cell_;
    Kernel& kernel_;
    Point& point_;
    Masses cell_masses_;
    Values inverse_b_, densities_;
};

template <class Real>
void pass_as(const Cost& cost, const Masses& masses, double reg, const CellOptions& options,
             Kernel& kernel, Point& point, const Context& context) {
    const Index m = cost.columns();
    point.f.resize(masses.a.size());
    point.column_sums.resize(masses.b.size());
    const CellPass<Real> pass(cost, masses, reg, options, kernel, point);
    const Pieces pieces = pass.pieces();
    kernel.reset(pieces, (m + options.cell - 1) / options.cell, options.storage);
    Values partial = zeros(pieces.count * m), kept = zeros(pieces.count);
    const double work = 20 * static_cast<double>(cost.rows()) * static_cast<double>(m);
    parallel_for(context.team(work), pieces.count, [&](Index piece) {
        kept[piece] = pass.run(piece, pieces.begin(piece), pieces.end(piece),
                               partial.data() + piece * m, context);
    });
    add_up(partial, point.column_sums);
    point.error = 0, point.dual = -reg, point.kept = 0;
    for (const double count : kept) point.kept += count;
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

std::vector<double> cell_sums(View values, Index cell) {
    const auto n = std::ssize(values);
    Values sums = zeros((n + cell - 1) / cell);
    for (Index i = 0; i < n; ++i) sums[i / cell] += values[i];
    return sums;
}

void cell_pass(const Cost& cost, const Masses& masses, double reg, const CellOptions& options,
               Kernel& kernel, Point& point, const Context& context) {
    const bool single = options.error >= single_precision;
    (single ? pass_as<float> : pass_as<double>)(cost, masses, reg, options, kernel, point, context);
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
