#include "cycloid/relu/program.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "cycloid/core/parallel.hpp"

namespace cycloid::relu {
namespace {

constexpr Index row_grain = 512, column_grain = 32;

double work(const MatrixView& r) { return double(r.rows()) * double(r.cols()); }

// body(active, b, out column) for each block.
template <class Body>
void each_block(const Program& program, const Context& context, const Body& body) {
    const double size = double(program.x.rows()) * double(program.blocks.count());
    parallel_for(context.team(size), program.blocks.count(), [&](Index b) {
        body(program.patterns.active.col(program.blocks.pattern[b]).data(), b);
    });
}

// Rows of the predictions, of which `products` holds those from `begin` on.
void add_masked(const Program& program, const MatrixView& products, Index begin, const RowVector& c,
                Matrix& out) {
    const Index size = products.rows();
    for (Index j = 0; j < out.cols(); ++j) {
        double* target = out.col(j).data() + begin;
        std::fill_n(target, size, c[j]);
        for (Index b = 0; b < program.blocks.count(); ++b) {
            const double g = program.blocks.direction(j, b);
            if (g == 0) continue;
            const auto* active =
                program.patterns.active.col(program.blocks.pattern[b]).data() + begin;
            const double* product = products.col(b).data();
#pragma omp simd
            for (Index k = 0; k < size; ++k) {
                target[k] += g * (active[k] != 0 ? product[k] : 0.0);
            }
        }
    }
}

// target += D_b A g_b for some rows.
void add_spread(const Program& program, const MatrixView& a, Index begin, Index size, Index b,
                double* target) {
    const auto* active = program.patterns.active.col(program.blocks.pattern[b]).data() + begin;
    for (Index j = 0; j < a.cols(); ++j) {
        const double g = program.blocks.direction(j, b);
        if (g == 0) continue;
        const double* source = a.col(j).data() + begin;
#pragma omp simd
        for (Index k = 0; k < size; ++k) target[k] += g * (active[k] != 0 ? source[k] : 0.0);
    }
}

}  // namespace

void multiply(const Program& program, const MatrixView& v, const Context& context, Matrix& out) {
    const Index n = program.x.rows();
    out.resize(n, v.cols());
    const double flops = work(v) * double(n);
    parallel_blocks(context.team(flops), n, row_grain, [&](Index begin, Index end) {
        out.middleRows(begin, end - begin).noalias() = program.x.middleRows(begin, end - begin) * v;
    });
}

void multiply_transposed(const Program& program, const MatrixView& r, const Context& context,
                         Matrix& out) {
    out.resize(program.x.cols(), r.cols());
    const double flops = work(r) * double(program.x.cols());
    parallel_blocks(context.team(flops), r.cols(), column_grain, [&](Index begin, Index end) {
        out.middleCols(begin, end - begin).noalias() =
            program.x.transpose() * r.middleCols(begin, end - begin);
    });
}

void predictions(const Program& program, const MatrixView& products, const RowVector& c,
                 const Context& context, Matrix& out) {
    const Index n = program.x.rows();
    out.resize(n, program.blocks.direction.rows());
    parallel_blocks(context.team(work(products)), n, row_grain, [&](Index begin, Index end) {
        add_masked(program, products.middleRows(begin, end - begin), begin, c, out);
    });
}

void spread(const Program& program, const MatrixView& a, const Context& context, Matrix& out) {
    const Index n = a.rows();
    out.setZero(n, program.blocks.count());
    each_block(program, context, [&](const std::uint8_t*, Index b) {
        add_spread(program, a, 0, n, b, out.col(b).data());
    });
}

void signed_rows(const Program& program, const MatrixView& r, const Context& context, Matrix& out) {
    out.resize(r.rows(), r.cols());
    each_block(program, context, [&](const std::uint8_t* active, Index b) {
        const double* source = r.col(b).data();
        double* target = out.col(b).data();
#pragma omp simd
        for (Index k = 0; k < r.rows(); ++k) target[k] = active[k] != 0 ? source[k] : -source[k];
    });
}

void features(const Program& program, const MatrixView& v, const Context& context, Matrix& out) {
    const Index n = program.x.rows(), outputs = program.blocks.direction.rows();
    out.resize(n, outputs);
    const double flops = work(v) * double(n);
    parallel_blocks(context.team(flops), n, row_grain, [&](Index begin, Index end) {
        const Matrix products = program.x.middleRows(begin, end - begin) * v;
        add_masked(program, products, begin, RowVector::Zero(outputs), out);
    });
}

// Fixed groups of rows, each with a sum of its own: the same bits for any number of threads.
void adjoint(const Program& program, const MatrixView& a, const Context& context, Matrix& out) {
    constexpr Index most_groups = 8;
    const Index n = program.x.rows(), d = program.x.cols(), blocks = program.blocks.count();
    const Index pieces = (n + row_grain - 1) / row_grain, groups = std::min(pieces, most_groups);
    std::vector<Matrix> sums(static_cast<std::size_t>(groups));
    const double flops = double(n) * double(d) * double(blocks);
    parallel_for(context.team(flops), groups, [&](Index group) {
        Matrix& sum = sums[group];
        sum = Matrix::Zero(d, blocks);
        Matrix rows;
        for (Index piece = group; piece < pieces; piece += groups) {
            const Index begin = piece * row_grain, size = std::min(row_grain, n - begin);
            rows.setZero(size, blocks);
            for (Index b = 0; b < blocks; ++b) {
                add_spread(program, a, begin, size, b, rows.col(b).data());
            }
            sum.noalias() += program.x.middleRows(begin, size).transpose() * rows;
        }
    });
    out = sums[0];
    for (Index group = 1; group < groups; ++group) out += sums[group];
}

double penalty(const MatrixView& v) { return v.colwise().norm().sum(); }

double objective(const Program& program, const MatrixView& v, const RowVector& c,
                 const MatrixView& products, const Context& context) {
    Matrix z;
    predictions(program, products, c, context, z);
    return program.loss.value(z) + program.alpha * penalty(v);
}

Matrix generator_margins(const Program& program, const Context& context) {
    Matrix margins;
    multiply(program, program.patterns.generators, context, margins);
    return margins;
}

void lift(const Program& program, const Matrix& margins, Matrix& v, Matrix& products,
          const Context& context) {
    if (program.gated) return;
    // What rounding may make of x_k' v where it is zero.
    constexpr double rounding = 1e-14;
    const Vector row_norms = program.x.rowwise().norm();
    each_block(program, context, [&](const std::uint8_t* active, Index b) {
        const double size = v.col(b).norm();
        if (size == 0) return;
        const Index pattern = program.blocks.pattern[b];
        double shift = 0;
        for (Index k = 0; k < products.rows(); ++k) {
            const double sign = active[k] != 0 ? 1 : -1;
            const double violation = -sign * products(k, b), margin = sign * margins(k, pattern);
            if (violation <= rounding * size * row_norms[k]) continue;
            shift = std::max(shift, margin > 0 ? violation / margin : INFINITY);
        }
        if (shift == 0) return;
        if (shift < INFINITY) {
            v.col(b) += shift * program.patterns.generators.col(pattern);
            products.col(b) += shift * margins.col(pattern);
        } else {
            v.col(b).setZero();
            products.col(b).setZero();
        }
    });
}

double dual_norm(const Program& program, const MatrixView& a, const MatrixView& multipliers,
                 const Context& context) {
    Matrix rows, slopes;
    spread(program, a, context, rows);
    if (multipliers.size() > 0 && !program.gated) {
        Matrix cones;
        signed_rows(program, multipliers, context, cones);
        rows -= cones;
    }
    multiply_transposed(program, rows, context, slopes);
    return slopes.cols() == 0 ? 0 : slopes.colwise().norm().maxCoeff();
}

double make_feasible(const Program& program, Matrix& a, Matrix& multipliers,
                     const Context& context) {
    program.loss.to_domain(a, program.intercept);
    const double norm = dual_norm(program, a, multipliers, context);
    if (norm > program.alpha) {
        const double scale = program.alpha / norm;
        a *= scale;
        multipliers *= scale;
    }
    return -program.loss.conjugate(a);
}

Network recover(const Program& program, const Point& point) {
    std::vector<Index> kept;
    for (Index b = 0; b < point.v.cols(); ++b) {
        if (point.v.col(b).norm() > 0) kept.push_back(b);
    }
    const auto m = static_cast<Index>(kept.size());
    Network network{Matrix(point.v.rows(), m), Matrix(program.blocks.direction.rows(), m), point.c};
    for (Index j = 0; j < m; ++j) {
        const double root = std::sqrt(point.v.col(kept[j]).norm());
        network.u.col(j) = point.v.col(kept[j]) / root;
        network.a.col(j) = root * program.blocks.direction.col(kept[j]);
    }
    return network;
}

double network_objective(const Program& program, const Network& network) {
    Matrix z = (program.x * network.u).cwiseMax(0.0) * network.a.transpose();
    z.rowwise() += network.c;
    return program.loss.value(z) +
           0.5 * program.alpha * (network.u.squaredNorm() + network.a.squaredNorm());
}

}  // namespace cycloid::relu
