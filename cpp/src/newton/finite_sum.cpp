#include "cycloid/newton/finite_sum.hpp"

#include <cmath>
#include <utility>

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
double multinomial(const double* y, const double* w, const ConstStrided& z, Strided& u,
                   Strided& p) {
    const Index n = z.rows(), outputs = z.cols();
    const Vector largest = z.rowwise().maxCoeff();
    Vector total = Vector::Zero(n);
    for (Index k = 0; k < outputs; ++k) {
        const double* score = z.col(k).data();
        double* share = p.col(k).data();
#pragma omp simd
        for (Index i = 0; i < n; ++i) {
            share[i] = simd::exp_nonpositive(score[i] - largest[i]);
            total[i] += share[i];
        }
    }
    for (Index k = 0; k < outputs; ++k) {
        double *share = p.col(k).data(), *slope = u.col(k).data();
#pragma omp simd
        for (Index i = 0; i < n; ++i) {
            share[i] /= total[i];
            slope[i] = w[i] * share[i];
        }
    }
    double sum = 0;
    for (Index i = 0; i < n; ++i) {
        const auto label = static_cast<Index>(y[i]);
        u(i, label) -= w[i];
        sum += w[i] * (std::log(total[i]) + largest[i] - z(i, label));
    }
    return sum;
}

// Consecutive samples. Arrays of all samples have a row each; those of a block are `local`.
struct Block {
    Index begin, end;

    Index count() const { return end - begin; }
    Strided of(Matrix& all) const {
        return {all.data() + begin, count(), all.cols(), Eigen::OuterStride<>(all.rows())};
    }
    ConstStrided of(const Matrix& all) const {
        return {all.data() + begin, count(), all.cols(), Eigen::OuterStride<>(all.rows())};
    }
};

Strided whole(Matrix& local) {
    return {local.data(), local.rows(), local.cols(), Eigen::OuterStride<>(local.rows())};
}

double derivatives(const FiniteSum& sum, Block block, const ConstStrided& z, Strided u, Strided h) {
    const double *y = sum.y + block.begin, *w = sum.weights + block.begin;
    if (sum.loss == LossKind::Multinomial) return multinomial(y, w, z, u, h);
    const auto of_one = sum.loss == LossKind::Squared    ? squared
                        : sum.loss == LossKind::Logistic ? logistic
                                                         : poisson;
    return of_one(block.count(), y, w, z.data(), u.data(), h.data());
}

void predict_block(const FiniteSum& sum, Block block, const Vector& v, Strided z) {
    const Index d = sum.x.columns();
    for (Index k = 0; k < sum.outputs; ++k) {
        sum.x.multiply(block.begin, block.end, v.data() + k * d, z.col(k).data());
        if (sum.intercept) z.col(k).array() += v[sum.coefficients() + k];
    }
}

// out += what the slopes give for W and b.
void add_slope(const FiniteSum& sum, Block block, const Strided& slope, double* out) {
    const Index d = sum.x.columns();
    for (Index k = 0; k < sum.outputs; ++k) {
        sum.x.add_transposed(block.begin, block.end, slope.col(k).data(), out + k * d);
        if (sum.intercept) out[sum.coefficients() + k] += slope.col(k).sum();
    }
}

// The change of the slopes in the direction q, which it replaces.
void bend(const FiniteSum& sum, Block block, const Matrix& curvature, Strided q) {
    const ConstStrided h = block.of(curvature);
    if (sum.loss != LossKind::Multinomial) {
        q.array() *= h.array();
        return;
    }
    const Eigen::Map<const Vector> w(sum.weights + block.begin, block.count());
    const Vector mean = h.cwiseProduct(q).rowwise().sum();
    for (Index k = 0; k < sum.outputs; ++k) {
        q.col(k) = w.cwiseProduct(h.col(k)).cwiseProduct(q.col(k) - mean);
    }
}

}  // namespace

SumPoint evaluate(const FiniteSum& sum, const Vector& point, const Context& context) {
    const Index n = sum.x.rows(), size = sum.dimension();
    SumPoint at;
    at.point = point;
    at.predictor.resize(n, sum.outputs);
    at.curvature.resize(n, sum.outputs);
    Vector total = Vector::Zero(size + 1);
    sum_over_rows(sum.x, size + 1, total.data(), context, [&](Index begin, Index end, double* out) {
        const Block block{begin, end};
        Matrix slope(block.count(), sum.outputs);
        predict_block(sum, block, point, block.of(at.predictor));
        const ConstStrided z = block.of(std::as_const(at.predictor));
        out[size] += derivatives(sum, block, z, whole(slope), block.of(at.curvature));
        add_slope(sum, block, whole(slope), out);
    });
    const auto w = point.head(sum.coefficients());
    at.value = total[size] + 0.5 * sum.ridge * w.squaredNorm();
    at.gradient = total.head(size);
    at.gradient.head(sum.coefficients()) += sum.ridge * w;
    return at;
}

SumPoint evaluate_completely(const FiniteSum& sum, const Vector& point, const Context& context) {
    if (!context.stop()) {
        SumPoint at = evaluate(sum, point, context);
        if (!context.stop()) return at;
    }
    Monitor rest = context.monitor->afterwards();
    return evaluate(sum, point, {context.n_threads, &rest});
}

double loss_on_line(const FiniteSum& sum, const Matrix& predictor, const Matrix& direction,
                    double step, const Context& context) {
    constexpr Index grain = 4096;
    const Index n = sum.x.rows(), pieces = (n + grain - 1) / grain;
    Vector values(pieces);
    parallel_blocks(
        context.team(20.0 * double(predictor.size())), n, grain, [&](Index begin, Index end) {
            const Block block{begin, end};
            Matrix z = block.of(predictor) + step * block.of(direction);
            Matrix u(z.rows(), z.cols()), h(z.rows(), z.cols());
            const ConstStrided scores(z.data(), z.rows(), z.cols(), Eigen::OuterStride<>(z.rows()));
            values[begin / grain] = derivatives(sum, block, scores, whole(u), whole(h));
        });
    return values.sum();
}

Matrix predict(const FiniteSum& sum, const Vector& point, const Context& context) {
    Matrix z(sum.x.rows(), sum.outputs);
    parallel_blocks(context.team(sum.x.stored()), sum.x.rows(), sum.x.block_rows(),
                    [&](Index begin, Index end) {
                        const Block block{begin, end};
                        predict_block(sum, block, point, block.of(z));
                    });
    return z;
}

Vector hessian_times(const FiniteSum& sum, const SumPoint& at, const Vector& v,
                     const Context& context) {
    Vector total = Vector::Zero(sum.dimension());
    sum_over_rows(sum.x, total.size(), total.data(), context,
                  [&](Index begin, Index end, double* out) {
                      const Block block{begin, end};
                      Matrix q(block.count(), sum.outputs);
                      predict_block(sum, block, v, whole(q));
                      bend(sum, block, at.curvature, whole(q));
                      add_slope(sum, block, whole(q), out);
                  });
    const Index count = sum.coefficients();
    total.head(count) += sum.ridge * v.head(count);
    return total;
}

}  // namespace cycloid::newton
