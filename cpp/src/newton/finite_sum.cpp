#include "cycloid/newton/finite_sum.hpp"

#include <cmath>
#include <vector>

#include "cycloid/core/simd.hpp"

namespace cycloid::newton {
namespace {

using Strided = Eigen::Map<Matrix, 0, Eigen::OuterStride<>>;
using ConstStrided = Eigen::Map<const Matrix, 0, Eigen::OuterStride<>>;

// Value of the samples; u = w loss', h = w loss''. One output.
double squared(Index n, const double* y, const double* w, const double* z, double* u, double* h) {
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (Index i = 0; i < n; ++i) {
        const double r = z[i] - y[i];
        u[i] = w[i] * r;
        h[i] = w[i];
        sum += w[i] * r * r;
    }
    return 0.5 * sum;
}

double logistic(Index n, const double* y, const double* w, const double* z, double* u, double* h) {
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (Index i = 0; i < n; ++i) {
        const double margin = y[i] * z[i], size = std::fabs(margin);
        const double e = simd::exp_nonpositive(-size), small = e / (1.0 + e);
        const double wrong = margin > 0 ? small : 1.0 - small;  // probability of the other label
        u[i] = -w[i] * y[i] * wrong;
        h[i] = w[i] * small * (1.0 - small);
        sum += w[i] * (simd::log1p_unit(e) + 0.5 * (size - margin));
    }
    return sum;
}

double poisson(Index n, const double* y, const double* w, const double* z, double* u, double* h) {
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (Index i = 0; i < n; ++i) {
        const double e = simd::exp_nonpositive(-std::fabs(z[i]));
        const double rate = z[i] > 0 ? 1.0 / e : e;
        u[i] = w[i] * (rate - y[i]);
        h[i] = w[i] * rate;
        sum += w[i] * (rate - y[i] * z[i]);
    }
    return sum;
}

// u_k = w (p_k - [y = k]), and the probabilities p. Columns are outputs.
double multinomial(Index n, const double* y, const double* w, const ConstStrided& z, Strided& u,
                   Strided& p) {
    const Index outputs = z.cols();
    double sum = 0;
    for (Index i = 0; i < n; ++i) {
        const auto label = static_cast<Index>(y[i]);
        const double largest = z.row(i).maxCoeff();
        double total = 0;
        for (Index k = 0; k < outputs; ++k) {
            p(i, k) = simd::exp_nonpositive(z(i, k) - largest);
            total += p(i, k);
        }
        for (Index k = 0; k < outputs; ++k) {
            p(i, k) /= total;
            u(i, k) = w[i] * (p(i, k) - (k == label ? 1.0 : 0.0));
        }
        sum += w[i] * (std::log(total) + largest - z(i, label));
    }
    return sum;
}

// Rows [begin, begin + count) of arrays with a row a sample.
struct Block {
    Index begin, count;

    Strided of(Matrix& all) const {
        return {all.data() + begin, count, all.cols(), Eigen::OuterStride<>(all.rows())};
    }
    ConstStrided of(const Matrix& all) const {
        return {all.data() + begin, count, all.cols(), Eigen::OuterStride<>(all.rows())};
    }
};

double derivatives(const FiniteSum& sum, Block block, const Matrix& z, Matrix& u, Matrix& h) {
    const double *y = sum.y + block.begin, *w = sum.weights + block.begin;
    if (sum.loss == LossKind::Multinomial) {
        Strided slope = block.of(u), probability = block.of(h);
        return multinomial(block.count, y, w, block.of(z), slope, probability);
    }
    const auto of_one = sum.loss == LossKind::Squared    ? squared
                        : sum.loss == LossKind::Logistic ? logistic
                                                         : poisson;
    return of_one(block.count, y, w, z.data() + block.begin, u.data() + block.begin,
                  h.data() + block.begin);
}

void predict_block(const FiniteSum& sum, Block block, const Vector& v, Matrix& z) {
    const Index d = sum.x.columns();
    for (Index k = 0; k < sum.outputs; ++k) {
        double* const out = z.col(k).data() + block.begin;
        sum.x.multiply(block.begin, block.begin + block.count, v.data() + k * d, out);
        if (!sum.intercept) continue;
        const double offset = v[sum.coefficients() + k];
        for (Index i = 0; i < block.count; ++i) out[i] += offset;
    }
}

// out += what `slope` gives for W and b.
void add_slope(const FiniteSum& sum, Block block, const Matrix& slope, double* out) {
    const Index d = sum.x.columns();
    for (Index k = 0; k < sum.outputs; ++k) {
        const double* const u = slope.col(k).data() + block.begin;
        sum.x.add_transposed(block.begin, block.begin + block.count, u, out + k * d);
        if (!sum.intercept) continue;
        double total = 0;
#pragma omp simd reduction(+ : total)
        for (Index i = 0; i < block.count; ++i) total += u[i];
        out[sum.coefficients() + k] += total;
    }
}

// slope = d(loss')/dz in the direction q.
void bend(const FiniteSum& sum, Block block, const Matrix& curvature, const Matrix& q,
          Matrix& slope) {
    const ConstStrided h = block.of(curvature), direction = block.of(q);
    Strided out = block.of(slope);
    if (sum.loss != LossKind::Multinomial) {
        out = h.cwiseProduct(direction);
        return;
    }
    const Eigen::Map<const Vector> w(sum.weights + block.begin, block.count);
    const Vector mean = h.cwiseProduct(direction).rowwise().sum();
    for (Index k = 0; k < sum.outputs; ++k) {
        out.col(k) = w.cwiseProduct(h.col(k)).cwiseProduct(direction.col(k) - mean);
    }
}

}  // namespace

SumPoint evaluate(const FiniteSum& sum, const Vector& point, const Context& context) {
    const Index n = sum.x.rows(), size = sum.dimension();
    SumPoint at;
    at.point = point;
    at.predictor.resize(n, sum.outputs);
    at.curvature.resize(n, sum.outputs);
    Matrix slope(n, sum.outputs);
    Vector total = Vector::Zero(size + 1);
    sum_over_rows(sum.x, size + 1, total.data(), context, [&](Index begin, Index end, double* out) {
        const Block block{begin, end - begin};
        predict_block(sum, block, point, at.predictor);
        out[size] += derivatives(sum, block, at.predictor, slope, at.curvature);
        add_slope(sum, block, slope, out);
    });
    const auto w = point.head(sum.coefficients());
    at.value = total[size] + 0.5 * sum.ridge * w.squaredNorm();
    at.gradient = total.head(size);
    at.gradient.head(sum.coefficients()) += sum.ridge * w;
    return at;
}

double loss_on_line(const FiniteSum& sum, const Matrix& predictor, const Matrix& direction,
                    double step, const Context& context) {
    constexpr Index grain = 4096;
    const Index n = sum.x.rows(), pieces = (n + grain - 1) / grain;
    Vector values(pieces);
    parallel_blocks(
        context.team(20.0 * double(predictor.size())), n, grain, [&](Index begin, Index end) {
            const Index count = end - begin;
            const Matrix z =
                predictor.middleRows(begin, count) + step * direction.middleRows(begin, count);
            Matrix u(count, z.cols()), h(count, z.cols());
            FiniteSum piece = sum;
            piece.y += begin;
            piece.weights += begin;
            values[begin / grain] = derivatives(piece, {0, count}, z, u, h);
        });
    return values.sum();
}

Matrix predict(const FiniteSum& sum, const Vector& point, const Context& context) {
    Matrix z(sum.x.rows(), sum.outputs);
    parallel_blocks(
        context.team(sum.x.stored()), sum.x.rows(), sum.x.block_rows(),
        [&](Index begin, Index end) { predict_block(sum, {begin, end - begin}, point, z); });
    return z;
}

Vector hessian_times(const FiniteSum& sum, const SumPoint& at, const Vector& v,
                     const Context& context, Matrix* predictor) {
    const Index n = sum.x.rows();
    Matrix local(predictor == nullptr ? n : 0, sum.outputs), slope(n, sum.outputs);
    Matrix& q = predictor == nullptr ? local : *predictor;
    q.resize(n, sum.outputs);
    Vector total = Vector::Zero(sum.dimension());
    sum_over_rows(sum.x, total.size(), total.data(), context,
                  [&](Index begin, Index end, double* out) {
                      const Block block{begin, end - begin};
                      predict_block(sum, block, v, q);
                      bend(sum, block, at.curvature, q, slope);
                      add_slope(sum, block, slope, out);
                  });
    const Index count = sum.coefficients();
    total.head(count) += sum.ridge * v.head(count);
    return total;
}

}  // namespace cycloid::newton
