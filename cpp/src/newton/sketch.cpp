#include "cycloid/newton/sketch.hpp"

#include <bit>
#include <cmath>
#include <numeric>
#include <stdexcept>

namespace cycloid::newton {
namespace {

constexpr Index chunk = 4096;  // rows of X between two looks at the clock

double factor_of(const double* factors, Index i) { return factors == nullptr ? 1.0 : factors[i]; }

// Columns that one task owns. Each column is summed by itself, in the order of the rows.
Index stripe_of(Index columns) { return std::max<Index>(64, (columns / 8 + 7) / 8 * 8); }

Index stripes_of(Index columns) { return (columns + stripe_of(columns) - 1) / stripe_of(columns); }

// Column i of a sparse sign matrix: one entry in each of `per_column` layers of the rows.
void sparse_signs(const Sketch& sketch, const double* factors, Index begin, Index end,
                  Targets& targets) {
    const Random random(sketch.seed);
    const Index layers = std::min(sketch.per_column, sketch.rows);
    const double size = 1.0 / std::sqrt(static_cast<double>(layers));
    targets.per_row = layers;
    targets.row.clear();
    targets.factor.clear();
    for (Index i = begin; i < end; ++i) {
        for (Index k = 0; k < layers; ++k) {
            const std::uint64_t bits = random.at(static_cast<std::uint64_t>(i * layers + k));
            const Index first = k * sketch.rows / layers, last = (k + 1) * sketch.rows / layers;
            __extension__ using wide = unsigned __int128;
            const auto offset =
                static_cast<Index>((static_cast<wide>(bits) * (last - first)) >> 64);
            targets.row.push_back(first + offset);
            targets.factor.push_back(((bits & 1) != 0 ? size : -size) * factor_of(factors, i));
        }
    }
}

double gaussian_entry(const Sketch& sketch, const Random& random, Index i, Index row) {
    const Index position = i * sketch.rows + row;
    return random.normal(static_cast<std::uint64_t>(position)) /
           std::sqrt(static_cast<double>(sketch.rows));
}

void gaussian_targets(const Sketch& sketch, const double* factors, Index begin, Index end,
                      const Context& context, Targets& targets) {
    const Random random(sketch.seed);
    const auto size = static_cast<std::size_t>((end - begin) * sketch.rows);
    targets.per_row = sketch.rows;
    targets.row.resize(size);
    targets.factor.resize(size);
    parallel_for(context.team(30.0 * static_cast<double>(size)), end - begin, [&](Index i) {
        for (Index row = 0; row < sketch.rows; ++row) {
            targets.row[i * sketch.rows + row] = row;
            targets.factor[i * sketch.rows + row] =
                gaussian_entry(sketch, random, begin + i, row) * factor_of(factors, begin + i);
        }
    });
}

// Rows are sent where S has entries.
template <class Real>
void apply_by_scatter(const Sketch& sketch, const Rows& x, const double* factors,
                      RowMatrix<Real>& out, const Context& context) {
    const bool gaussian = sketch.kind == SketchKind::Gaussian;
    const Index n = x.rows(), width = stripe_of(x.columns());
    const Index per_row = gaussian ? sketch.rows : sketch.per_column;
    const Index step = gaussian ? std::clamp<Index>((1 << 20) / sketch.rows, 1, chunk) : chunk;
    const double work = x.stored() / static_cast<double>(n) * double(step) * double(per_row);
    Targets targets;
    for (Index begin = 0; begin < n && !context.stop(); begin += step) {
        const Index end = std::min(begin + step, n);
        if (gaussian) {
            gaussian_targets(sketch, factors, begin, end, context, targets);
        } else {
            sparse_signs(sketch, factors, begin, end, targets);
        }
        parallel_for(context.team(work), stripes_of(x.columns()), [&](Index stripe) {
            const Index from = stripe * width, to = std::min(from + width, x.columns());
            x.scatter(begin, end, from, to, targets, out.data(), out.cols());
        });
    }
}

// A dense matrix times a Gaussian one is a matrix product.
template <class Real>
void apply_gaussian(const Sketch& sketch, const Rows& x, const double* factors,
                    RowMatrix<Real>& out, const Context& context) {
    constexpr Index height = 256;
    const Index n = x.rows(), d = x.columns(), width = stripe_of(d);
    const Random random(sketch.seed);
    Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic> entries(sketch.rows, height);
    RowMatrix<Real> block(height, d);
    std::vector<Index> which(height);
    for (Index begin = 0; begin < n && !context.stop(); begin += height) {
        const Index count = std::min(height, n - begin);
        std::iota(which.begin(), which.end(), begin);
        parallel_for(context.team(30.0 * double(count * sketch.rows)), count, [&](Index i) {
            x.pack(&which[i], 1, 0, d, block.row(i).data());
            for (Index row = 0; row < sketch.rows; ++row) {
                entries(row, i) = static_cast<Real>(gaussian_entry(sketch, random, begin + i, row) *
                                                    factor_of(factors, begin + i));
            }
        });
        parallel_for(context.team(double(count * sketch.rows * d)), stripes_of(d),
                     [&](Index stripe) {
                         const Index from = stripe * width, columns = std::min(width, d - from);
                         out.middleCols(from, columns).noalias() +=
                             entries.leftCols(count) * block.block(0, from, count, columns);
                     });
    }
}

// The unnormalized Walsh-Hadamard transform of `length` rows of `width` values each; halves are
// finished one after the other, so that small ones stay in the cache.
template <class Real>
void transform(Real* values, Index length, Index width) {
    if (length == 1) return;
    const Index half = length / 2 * width;
    Real* const upper = values + half;
#pragma omp simd
    for (Index k = 0; k < half; ++k) {
        const Real sum = values[k] + upper[k], difference = values[k] - upper[k];
        values[k] = sum;
        upper[k] = difference;
    }
    transform(values, length / 2, width);
    transform(upper, length / 2, width);
}

template <class Real>
void apply_srht(const Sketch& sketch, const Rows& x, const double* factors, RowMatrix<Real>& out,
                const Context& context) {
    constexpr Index width = 16;
    const Index n = x.rows(), d = x.columns(), length = transform_length(n);
    const std::vector<Index> chosen = draw(length, sketch.rows, sketch.seed + 1);
    const Random random(sketch.seed);
    const double scale = 1.0 / std::sqrt(static_cast<double>(sketch.rows));
    std::vector<Index> which(static_cast<std::size_t>(n));
    std::iota(which.begin(), which.end(), Index{0});
    const Index tasks = (d + width - 1) / width;
    const double work = double(length) * double(std::bit_width(std::uint64_t(length))) * double(d);
    const int team = context.team(work);
    // A batch of tasks at a time: to look at the clock, and for memory.
    for (Index done = 0; done < tasks && !context.stop(); done += team) {
        parallel_for(team, std::min<Index>(team, tasks - done), [&](Index task) {
            const Index from = (done + task) * width, columns = std::min(width, d - from);
            std::vector<Real> buffer(static_cast<std::size_t>(length * columns));
            x.pack(which.data(), n, from, from + columns, buffer.data());
            for (Index i = 0; i < n; ++i) {
                const bool positive = (random.at(static_cast<std::uint64_t>(i)) & 1) != 0;
                const double factor = (positive ? scale : -scale) * factor_of(factors, i);
                for (Index j = 0; j < columns; ++j) {
                    buffer[i * columns + j] *= static_cast<Real>(factor);
                }
            }
            transform(buffer.data(), length, columns);
            for (Index k = 0; k < sketch.rows; ++k) {
                std::copy_n(buffer.data() + chosen[k] * columns, columns, &out(k, from));
            }
        });
    }
}

}  // namespace

Index transform_length(Index columns) {
    return static_cast<Index>(std::bit_ceil(static_cast<std::uint64_t>(columns)));
}

std::vector<Index> draw(Index n, Index count, std::uint64_t seed) {
    std::vector<Index> chosen(static_cast<std::size_t>(n));
    std::iota(chosen.begin(), chosen.end(), Index{0});
    if (count >= n) return chosen;
    Random random(seed);
    for (Index k = 0; k < count; ++k) {
        std::swap(chosen[k], chosen[k + static_cast<Index>(random.below(n - k))]);
    }
    chosen.resize(static_cast<std::size_t>(count));
    std::sort(chosen.begin(), chosen.end());
    return chosen;
}

template <class Real>
RowMatrix<Real> apply(const Sketch& sketch, const Rows& x, const double* factors,
                      const Context& context) {
    if (x.rows() != sketch.columns) throw std::invalid_argument("sketch and matrix do not match");
    RowMatrix<Real> out = RowMatrix<Real>::Zero(sketch.rows, x.columns());
    if (sketch.kind == SketchKind::Srht) {
        if (sketch.rows > transform_length(sketch.columns)) {
            throw std::invalid_argument("an SRHT sketch has no more rows than its transform");
        }
        apply_srht(sketch, x, factors, out, context);
    } else if (sketch.kind == SketchKind::Gaussian && !x.sparse()) {
        apply_gaussian(sketch, x, factors, out, context);
    } else {
        apply_by_scatter(sketch, x, factors, out, context);
    }
    return out;
}

template RowMatrix<float> apply(const Sketch&, const Rows&, const double*, const Context&);
template RowMatrix<double> apply(const Sketch&, const Rows&, const double*, const Context&);

}  // namespace cycloid::newton
