#include "cycloid/ot/point_cost.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>

#include "cycloid/core/simd.hpp"

namespace cycloid::ot {
namespace {

using Values = std::vector<double>;
using View = std::span<const double>;

constexpr Index chunk = 512;     // columns of which the sums over many coordinates stay in cache
constexpr Index block = 64;      // columns that are within reach or not together
constexpr double margin = 1e-9;  // for the rounding of bounds, relative to the exponents

template <Metric metric>
double term(double x, double y) {
    if constexpr (metric == Metric::Cosine) return -x * y;
    const double d = x - y;
    if constexpr (metric == Metric::CityBlock) return std::fabs(d);
    return d * d;
}

template <Metric metric>
double finished(double sum) {
    if constexpr (metric == Metric::Euclidean) return std::sqrt(sum);
    if constexpr (metric == Metric::Cosine) return std::max(1 + sum, 0.0);
    return sum;
}

// out_j = cost of x and the j-th of `count` points, whose k-th coordinates start at y + k stride.
template <Metric metric, int dimension>
void few_coordinates(const double* x, const double* y, Index stride, Index count, double* out) {
#pragma omp simd
    for (Index j = 0; j < count; ++j) {
        double sum = term<metric>(x[0], y[j]);
        if constexpr (dimension > 1) sum += term<metric>(x[1], y[stride + j]);
        if constexpr (dimension > 2) sum += term<metric>(x[2], y[2 * stride + j]);
        out[j] = finished<metric>(sum);
    }
}

template <Metric metric>
void many_coordinates(const double* x, const double* y, Index stride, Index count, Index dimension,
                      double* out) {
    for (Index from = 0; from < count; from += chunk, y += chunk, out += chunk) {
        const Index size = std::min(chunk, count - from);
        std::fill_n(out, size, 0.0);
        Index k = 0;
        for (; k + 4 <= dimension; k += 4) {
            const double *y0 = y + k * stride, *y1 = y0 + stride, *y2 = y1 + stride,
                         *y3 = y2 + stride;
#pragma omp simd
            for (Index j = 0; j < size; ++j) {
                out[j] += (term<metric>(x[k], y0[j]) + term<metric>(x[k + 1], y1[j])) +
                          (term<metric>(x[k + 2], y2[j]) + term<metric>(x[k + 3], y3[j]));
            }
        }
        for (; k < dimension; ++k) {
#pragma omp simd
            for (Index j = 0; j < size; ++j) out[j] += term<metric>(x[k], y[k * stride + j]);
        }
#pragma omp simd
        for (Index j = 0; j < size; ++j) out[j] = finished<metric>(out[j]);
    }
}

template <Metric metric>
void costs(const double* x, const double* y, Index stride, Index count, Index dimension,
           double* out) {
    switch (dimension) {
        case 1:
            return few_coordinates<metric, 1>(x, y, stride, count, out);
        case 2:
            return few_coordinates<metric, 2>(x, y, stride, count, out);
        case 3:
            return few_coordinates<metric, 3>(x, y, stride, count, out);
        default:
            return many_coordinates<metric>(x, y, stride, count, dimension, out);
    }
}

template <Metric metric>
class PointCost final : public Cost {
public:
    PointCost(Values x, Values y, Index dimension)
        : d_(dimension),
          n_(std::ssize(x) / dimension),
          m_(std::ssize(y) / dimension),
          x_(std::move(x)),
          y_(y.size()) {
        for (Index j = 0; j < m_; ++j) {
            for (Index k = 0; k < d_; ++k) y_[k * m_ + j] = y[j * d_ + k];
        }
    }

    Index rows() const override { return n_; }
    Index columns() const override { return m_; }
    bool ordered() const override { return true; }
    const double* row(Index i, double* buffer) const override {
        costs<metric>(x_.data() + i * d_, y_.data(), m_, m_, d_, buffer);
        return buffer;
    }
    void row(Index i, std::span<const Range> ranges, double* buffer) const override {
        for (const Range& range : ranges) {
            const Index count = range.end - range.begin;
            costs<metric>(x_.data() + i * d_, y_.data() + range.begin, m_, count, d_, buffer);
            buffer += count;
        }
    }
    std::vector<Range> reach(Index begin, Index end, const Extent& extent) const override;
    std::unique_ptr<Cost> merged(View a, Index row_cell, View b, Index column_cell) const override;

private:
    static constexpr bool bilinear =  // but for terms of a row or a column alone
        metric == Metric::SquaredEuclidean || metric == Metric::Cosine;

    // How far a row's costs can be from those of the mean of its group.
    double radius(Index begin, Index end, const Values& centre) const {
        constexpr Metric norm = bilinear ? Metric::Euclidean : metric;
        double largest = 0, distance = 0;
        for (Index i = begin; i < end; ++i) {
            costs<norm>(centre.data(), x_.data() + i * d_, 1, 1, d_, &distance);
            largest = std::max(largest, distance);
        }
        return largest;
    }

    Index d_, n_, m_;
    Values x_, y_;  // x by points, y by coordinates
};

// Means, weighted by the masses, of cells of points stored by rows.
Values cell_means(View x, Index dimension, View mass, Index cell) {
    const Index n = std::ssize(mass), count = (n + cell - 1) / cell;
    Values means(static_cast<std::size_t>(count * dimension));
    for (Index c = 0; c < count; ++c) {
        const Index begin = c * cell, end = std::min(begin + cell, n);
        double total = 0;
        for (Index i = begin; i < end; ++i) total += mass[i];
        for (Index i = begin; i < end; ++i) {
            for (Index k = 0; k < dimension; ++k) {
                means[c * dimension + k] += mass[i] / total * x[i * dimension + k];
            }
        }
    }
    return means;
}

// With e_j = v_j - c(centre, y_j) / reg, a row x = centre + s has the exponents
//   e_j + 2 s'(y_j - t) / reg  but for a term that all columns share, where the cost is the squared
//   distance and t is the mean of y under the plan's row at the centre: the log of the sum is then
//   at least that of the centre, by Jensen's inequality (half of that for the cosine);
//   e_j, +- |s| / reg, where the cost is a distance.
template <Metric metric>
std::vector<Range> PointCost<metric>::reach(Index begin, Index end, const Extent& extent) const {
    const View v = extent.v, b = extent.b;
    const double reg = extent.reg;
    const Values centre =
        cell_means(View(x_).subspan(begin * d_, (end - begin) * d_), d_,
                   Values(static_cast<std::size_t>(end - begin), 1.0), end - begin);
    thread_local Values exponents, weights;
    exponents.resize(v.size()), weights.resize(v.size());
    double *e = exponents.data(), *w = weights.data();
    costs<metric>(centre.data(), y_.data(), m_, m_, d_, e);
    Eigen::Map<Eigen::ArrayXd> exponent(e, m_);
    exponent = Eigen::Map<const Eigen::ArrayXd>(v.data(), m_) - exponent / reg;
    const double largest = exponent.maxCoeff();
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (Index j = 0; j < m_; ++j) {
        w[j] = b[j] * simd::exp_nonpositive(e[j] - largest);
        sum += w[j];
    }
    const double factor = radius(begin, end, centre) / reg;
    double least =
        largest + std::log(sum) + std::log(extent.lost) - margin * (1 + std::fabs(largest));
    if constexpr (bilinear) {
        Values mean(static_cast<std::size_t>(d_));
        for (Index k = 0; k < d_; ++k) {
            const double* y = y_.data() + k * m_;
            double total = 0;
#pragma omp simd reduction(+ : total)
            for (Index j = 0; j < m_; ++j) total += w[j] * y[j];
            mean[k] = total / sum;
        }
        const double slope = metric == Metric::Cosine ? factor : 2 * factor;
        costs<Metric::Euclidean>(mean.data(), y_.data(), m_, m_, d_, w);
#pragma omp simd
        for (Index j = 0; j < m_; ++j) e[j] += slope * w[j];
    } else {
        least -= 2 * factor;
    }
    std::vector<Range> ranges;
    for (Index from = 0; from < m_; from += block) {
        const Index to = std::min(from + block, m_);
        if (!(exponent.segment(from, to - from).maxCoeff() >= least)) continue;
        if (!ranges.empty() && ranges.back().end == from) {
            ranges.back().end = to;
        } else {
            ranges.push_back({from, to});
        }
    }
    return ranges;
}

template <Metric metric>
std::unique_ptr<Cost> PointCost<metric>::merged(View a, Index row_cell, View b,
                                                Index column_cell) const {
    Values y(y_.size());
    for (Index j = 0; j < m_; ++j) {
        for (Index k = 0; k < d_; ++k) y[j * d_ + k] = y_[k * m_ + j];
    }
    return std::make_unique<PointCost>(cell_means(x_, d_, a, row_cell),
                                       cell_means(y, d_, b, column_cell), d_);
}

// Of length one; first scaled to a size whose square neither over- nor underflows.
void normalize(Values& x, Index dimension) {
    for (std::size_t from = 0; from < x.size(); from += static_cast<std::size_t>(dimension)) {
        const std::span<double> point(x.data() + from, static_cast<std::size_t>(dimension));
        double largest = 0, squares = 0;
        for (const double value : point) largest = std::max(largest, std::fabs(value));
        for (double& value : point) value /= largest, squares += value * value;
        for (double& value : point) value /= std::sqrt(squares);
    }
}

}  // namespace

std::unique_ptr<Cost> make_point_cost(Metric metric, const double* x, Index n, const double* y,
                                      Index m, Index dimension) {
    Values rows(x, x + n * dimension), columns(y, y + m * dimension);
    switch (metric) {
        case Metric::Euclidean:
            return std::make_unique<PointCost<Metric::Euclidean>>(std::move(rows),
                                                                  std::move(columns), dimension);
        case Metric::CityBlock:
            return std::make_unique<PointCost<Metric::CityBlock>>(std::move(rows),
                                                                  std::move(columns), dimension);
        case Metric::Cosine:
            normalize(rows, dimension);
            normalize(columns, dimension);
            return std::make_unique<PointCost<Metric::Cosine>>(std::move(rows), std::move(columns),
                                                               dimension);
        case Metric::SquaredEuclidean:
            break;
    }
    return std::make_unique<PointCost<Metric::SquaredEuclidean>>(std::move(rows),
                                                                 std::move(columns), dimension);
}

}  // namespace cycloid::ot
