#include <stdexcept>

#include "cycloid/core/cholesky.hpp"
#include "cycloid/relu/published.hpp"
#include "row_copies.hpp"

namespace cycloid::relu {
namespace {

// F = (g_b D_b X)_b, n x d B.
Matrix form_features(const Program& program) {
    const Index d = program.x.cols();
    Matrix features(program.x.rows(), d * program.blocks.count());
    for (Index b = 0; b < program.blocks.count(); ++b) {
        const Vector active = program.patterns.active.col(program.blocks.pattern[b]).cast<double>();
        features.middleCols(b * d, d) =
            (program.blocks.direction(0, b) * active).asDiagonal() * program.x;
    }
    return features;
}

}  // namespace

Solution solve_dense_admm(const Program& program, const DenseAdmmOptions& options,
                          const Context& context) {
    check_published(program);
    const Vector& weights = program.loss.weights();
    if (program.loss.kind() != LossKind::Squared || weights.minCoeff() != weights.maxCoeff()) {
        throw std::invalid_argument(
            "the published ADMM is for the squared loss with equal weights");
    }
    const Index d = program.x.cols(), blocks = program.blocks.count();
    const double weight = weights[0], penalty = options.penalty * weight;
    Incumbent incumbent(program, context);
    const auto stopped = [&](Index k) { return incumbent.finish(context.monitor->reason(), k); };

    // penalty (I + G'G) + weight F'F, with G'G = I (x) X'X
    const Matrix features = form_features(program);
    Matrix system = Matrix::Zero(d * blocks, d * blocks);
    system.selfadjointView<Eigen::Lower>().rankUpdate(features.transpose(), weight);
    if (context.stop()) return stopped(0);
    const Matrix gram = penalty * program.x.transpose() * program.x;
    for (Index b = 0; b < blocks; ++b) system.block(b * d, b * d, d, d) += gram;
    system.diagonal().array() += penalty;
    if (cholesky(system, 1e-15, context) < 0) return stopped(0);
    const Matrix& y = program.loss.targets();
    const Vector constant = weight * (features.transpose() * y);

    RowCopies copies(program, context);
    Matrix u(d, blocks), back, products, a;
    for (Index k = 1; k <= options.max_iter; ++k) {
        multiply_transposed(program, copies.row_target(), context, back);
        u = penalty * (copies.block_target() + back);
        Eigen::Map<Vector> flat(u.data(), u.size());
        flat += constant;
        cholesky_solve(system, flat);
        multiply(program, u, context, products);
        copies.update(u, products, penalty, options.dual_step);
        if (!u.allFinite()) return incumbent.finish(Status::NumericalError, k);
        if (k % options.check_interval == 0 || k == options.max_iter) {
            program.loss.gradient(features * flat, a);
            if (!copies.offer(incumbent, a)) return stopped(k);
            const bool stop = incumbent.report(k, options.tol);
            if (incumbent.certified(options.tol)) return incumbent.finish(Status::Converged, k);
            if (stop) return stopped(k);
        }
        if (context.stop()) return stopped(k);
    }
    return incumbent.finish(Status::MaxIter, options.max_iter);
}

}  // namespace cycloid::relu
