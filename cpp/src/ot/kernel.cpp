#include "cycloid/ot/kernel.hpp"

#include <Eigen/Core>
#include <algorithm>

namespace cycloid::ot {
namespace {

constexpr Index piece_work = 1 << 15;    // entries worth a task
constexpr Index most_pieces = 16;        // each has sums of its own for all columns
constexpr double least_density = 1e-30;  // below: zero, for denormal numbers are slow
constexpr double most_density = 1e37;

float density(double value) {
    return value < least_density ? 0.0F : static_cast<float>(std::min(value, most_density));
}

}  // namespace

Pieces::Pieces(Index n_rows, Index n_columns)
    : rows(n_rows),
      count(std::min(std::clamp<Index>(n_rows * n_columns / piece_work, 1, most_pieces), n_rows)) {}

void add_up(View partial, std::span<double> out) {
    const std::size_t m = out.size();
    std::copy_n(partial.begin(), m, out.begin());
    for (std::size_t from = m; from < partial.size(); from += m) {
        for (std::size_t j = 0; j < m; ++j) out[j] += partial[from + j];
    }
}

void Kernel::reset(const Pieces& pieces, Index columns, Storage storage) {
    pieces_ = pieces;
    columns_ = columns;
    storage_ = storage;
    if (storage == Storage::Dense) {
        dense_.resize(static_cast<std::size_t>(pieces.rows * columns));
    } else if (storage == Storage::Sparse) {
        parts_.resize(static_cast<std::size_t>(pieces.count));
        for (Part& part : parts_) {
            part.starts.assign(1, 0);
            part.stored = 0;
        }
    }
}

double Kernel::stored() const {
    if (storage_ == Storage::Dense) return static_cast<double>(dense_.size());
    double count = 0;
    for (const Part& part : parts_) count += static_cast<double>(part.starts.back());
    return count;
}

void Kernel::store(Index piece, Index i, const double* share, const double* inverse_b,
                   double least) {
    if (storage_ == Storage::Dense) {
        float* k = dense_.data() + i * columns_;
        for (Index j = 0; j < columns_; ++j) k[j] = density(share[j] * inverse_b[j]);
    } else if (storage_ == Storage::Sparse) {
        append(piece, 0, columns_, share, inverse_b, least);
        end_row(piece);
    }
}

void Kernel::append(Index piece, Index begin, Index end, const double* share,
                    const double* inverse_b, double least) {
    constexpr Index group = 8;  // looked at together: most hold nothing to keep
    Part& part = parts_[piece];
    const auto room = static_cast<std::size_t>(part.stored + end - begin);
    if (part.values.size() < room) {
        part.columns.resize(2 * room);
        part.values.resize(2 * room);
    }
    const auto keep = [&](Index j) {  // written in any case, and counted if it is to stay
        part.columns[part.stored] = static_cast<std::int32_t>(j);
        part.values[part.stored] = density(share[j] * inverse_b[j]);
        part.stored += share[j] > least;
    };
    Index j = begin;
    for (; j + group <= end; j += group) {
        const Eigen::Map<const Eigen::Array<double, group, 1>> shares(share + j);
        if (!(shares.maxCoeff() > least)) continue;
        for (Index k = j; k < j + group; ++k) keep(k);
    }
    for (; j < end; ++j) keep(j);
}

void Kernel::end_row(Index piece) { parts_[piece].starts.push_back(parts_[piece].stored); }

void Kernel::spread(View x, View y, View s, std::span<double> out, const Context& context) const {
    partial_.assign(static_cast<std::size_t>(pieces_.count * columns_), 0.0);
    parallel_for(context.team(work()), pieces_.count, [&](Index piece) {
        double* sum = partial_.data() + piece * columns_;
        const Index first = pieces_.begin(piece);
        for (Index i = first; i < pieces_.end(piece); ++i) {
            if (storage_ == Storage::Dense) {
                const float* k = dense_.data() + i * columns_;
#pragma omp simd
                for (Index j = 0; j < columns_; ++j) sum[j] += y[i] * k[j] * (s[i] - k[j] * x[j]);
                continue;
            }
            const Part& part = parts_[piece];
            for (Index q = part.starts[i - first]; q < part.starts[i - first + 1]; ++q) {
                const Index j = part.columns[q];
                const double k = part.values[q];
                sum[j] += y[i] * k * (s[i] - k * x[j]);
            }
        }
    });
    add_up(partial_, out);
}

}  // namespace cycloid::ot
