#include <Eigen/QR>
#include <cmath>
#include <limits>

#include "cycloid/newton/inner.hpp"
#include "cycloid/newton/sketch.hpp"

namespace cycloid::newton {
namespace {

SketchKind kind_of(Inner inner) {
    switch (inner) {
        case Inner::BlockGaussian:
            return SketchKind::Gaussian;
        case Inner::BlockSrht:
            return SketchKind::Srht;
        default:
            return SketchKind::SparseSign;
    }
}

// z <- z - A S (S'A^2 S)^+ S'r + momentum (z - z before), r = A z - b, with a new block S a step:
// the projection of z on S'A z = S'b (Gower & Richtarik 2015; with momentum, Loizou & Richtarik
// 2020, Alg. 1).
class BlockProject final : public LinearSolver {
public:
    BlockProject(Inner inner, const InnerOptions& options)
        : options_(options), kind_(kind_of(inner)), single_(inner == Inner::BlockCountSketch) {}

    Inertia prepare(const System& system, const Context&) override {
        system_ = system;
        const Index size = system.n() + system.m();
        // The matrix is symmetric, so columns may be taken for rows.
        if (!system.has_entries()) {
            // The rows of S themselves are sketched out of the identity, and multiplied one by one.
            sparse_.resize(size, size);
            sparse_.setIdentity();
        } else if (system.hessian->sparse() != nullptr && system.jacobian->sparse() != nullptr) {
            sparse_ = sparse_lower(system).selfadjointView<Eigen::Lower>();
        } else {
            dense_ = dense_matrix(system);
            rows_ = make_dense_rows(dense_.data(), size, size, size, 1);
            return Inertia::Unknown;
        }
        sparse_.makeCompressed();
        rows_ = make_csr_rows(sparse_.valuePtr(), sparse_.innerIndexPtr(), sparse_.outerIndexPtr(),
                              size, size);
        return Inertia::Unknown;
    }
    Index iterations() const override { return iterations_; }

    double solve(const Vector& b, double tolerance, Vector& z, const Context& context) override {
        const double scale = b.norm();
        if (!(scale > 0)) {
            z.setZero();
            return 0;
        }
        Vector residual = system_.times(z) - b, step = Vector::Zero(z.size());
        double reached = residual.norm() / scale;
        for (Index k = 0; k < options_.max_inner && reached > tolerance && !context.stop(); ++k) {
            step = projection(residual, context) + options_.momentum * step;
            if (context.stop()) break;
            z += step;
            residual = system_.times(z) - b;
            reached = residual.norm() / scale;
            ++iterations_;
        }
        return std::isfinite(reached) ? reached : std::numeric_limits<double>::infinity();
    }

private:
    // -A S (S'A^2 S)^+ S'r
    Vector projection(const Vector& residual, const Context& context) {
        const Index size = residual.size();
        Sketch sketch;
        sketch.kind = kind_;
        sketch.rows = options_.block > 0
                          ? std::min(options_.block, size)
                          : std::clamp<Index>(size / 4, std::min<Index>(8, size), 256);
        sketch.columns = size;
        sketch.seed = Random(options_.seed).at(static_cast<std::uint64_t>(drawn_++));
        if (single_) sketch.per_column = 1;
        RowMatrix<double> image = apply<double>(sketch, *rows_, nullptr, context);  // S'A
        if (!system_.has_entries()) {
            for (Index i = 0; i < image.rows(); ++i) {
                image.row(i) = system_.times(image.row(i).transpose()).transpose();
            }
        }
        const auto column = make_dense_rows(residual.data(), size, 1, 1, 1);
        const Vector sketched = apply<double>(sketch, *column, nullptr, context);
        // The least-norm solution of S'A step = -S'r.
        const Eigen::CompleteOrthogonalDecomposition<Matrix> factor(image);
        return -factor.solve(sketched);
    }

    InnerOptions options_;
    SketchKind kind_;
    bool single_;
    System system_;
    Matrix dense_;
    SparseMatrix sparse_;
    std::unique_ptr<Rows> rows_;
    Index iterations_ = 0, drawn_ = 0;
};

}  // namespace

std::unique_ptr<LinearSolver> make_block_project(Inner sketch, const InnerOptions& options) {
    return std::make_unique<BlockProject>(sketch, options);
}

}  // namespace cycloid::newton
