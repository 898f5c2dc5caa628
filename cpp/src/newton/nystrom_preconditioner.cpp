#include <Eigen/Eigenvalues>
#include <Eigen/QR>
#include <cmath>

#include "cycloid/newton/precondition.hpp"

namespace cycloid::newton {
namespace {

// The diagonal of the Hessian, without the ridge.
Vector diagonal_of(const FiniteSum& sum, const SumPoint& at, const Context& context) {
    const Index d = sum.x.columns(), size = sum.dimension();
    Vector total = Vector::Zero(size);
    sum_over_rows(sum.x, size, total.data(), context, [&](Index begin, Index end, double* out) {
        for (Index k = 0; k < sum.outputs; ++k) {
            Vector h = at.curvature.col(k).segment(begin, end - begin);
            if (sum.loss == LossKind::Multinomial) {
                const Eigen::Map<const Vector> w(sum.weights + begin, end - begin);
                h = w.array() * h.array() * (1.0 - h.array());
            }
            sum.x.add_squares(begin, end, h.data(), out + k * d);
            if (sum.intercept) out[sum.coefficients() + k] += h.sum();
        }
    });
    return total;
}

// With the matrix scaled to a unit diagonal, A ~ U diag(lambda) U' + tail (I - U U').
class Nystrom final : public Preconditioner {
public:
    // Frangella, Tropp & Udell, SIAM J. Matrix Anal. Appl. 44, 2023, Alg. 2.1.
    Nystrom(const FiniteSum& sum, const SumPoint& at, Index rank, std::uint64_t seed,
            const Context& context)
        : coefficients_(sum.coefficients()), diagonal_(diagonal_of(sum, at, context)) {
        const Index size = diagonal_.size();
        rank = std::min(rank, size);
        FiniteSum bare = sum;
        bare.ridge = 0;
        const Vector scale =
            (diagonal_.array() > 0).select(diagonal_.array().rsqrt(), Vector::Zero(size).array());
        Matrix test(size, rank);
        const Random random(seed);
        for (Index i = 0; i < test.size(); ++i) {
            test.data()[i] = random.normal(static_cast<std::uint64_t>(i));
        }
        if (rank == 0) return;
        test = Matrix(test.householderQr().householderQ() * Matrix::Identity(size, rank));
        Matrix image(size, rank);
        for (Index j = 0; j < rank && !context.stop(); ++j) {
            const Vector v = scale.cwiseProduct(test.col(j));
            image.col(j) = scale.cwiseProduct(hessian_times(bare, at, v, context));
        }
        if (context.stop()) return;
        const double shift =
            std::sqrt(static_cast<double>(size)) * 2.3e-16 * std::max(image.norm(), 1e-300);
        image += shift * test;
        const Eigen::LLT<Matrix> core(test.transpose() * image);
        if (core.info() != Eigen::Success) return;
        // Right division by the factor's transpose, then a thin singular value decomposition
        // through the small Gram matrix of an orthonormal basis.
        core.matrixU().solveInPlace<Eigen::OnTheRight>(image);
        const Eigen::HouseholderQR<Matrix> qr(image);
        const Matrix q = qr.householderQ() * Matrix::Identity(size, rank);
        const Matrix r = qr.matrixQR().topRows(rank).triangularView<Eigen::Upper>();
        const Eigen::SelfAdjointEigenSolver<Matrix> eigen(r * r.transpose());
        basis_ = q * eigen.eigenvectors();
        values_ = (eigen.eigenvalues().array() - shift).max(0.0);
    }

    bool factor(const CurvatureTerms& terms, const Context&) override {
        if (terms.low_rank != nullptr) return false;
        working_scale_ = diagonal_;
        working_scale_.head(coefficients_).array() += terms.diagonal;
        if (terms.dense != nullptr) working_scale_.head(coefficients_) += terms.dense->diagonal();
        if (!(working_scale_.minCoeff() >= 0)) return false;
        working_scale_ = (working_scale_.array() > 0).select(working_scale_.array().rsqrt(), 1.0);
        if (values_.size() == 0) return true;
        // What is added to the diagonal joins the tail: it is the same for all directions only
        // where columns are of one size, which is all that a preconditioner needs.
        tail_ = std::max(values_.minCoeff(), 1e-8);
        gains_ = values_.array().max(tail_).inverse() - 1.0 / tail_;
        return true;
    }

    Vector solve(const Vector& r) const override {
        Vector out = working_scale_.cwiseProduct(r);
        if (values_.size() > 0) {
            const Vector along = gains_.cwiseProduct(basis_.transpose() * out);
            out /= tail_;
            out.noalias() += basis_ * along;
        }
        return working_scale_.cwiseProduct(out);
    }

private:
    Index coefficients_;
    Vector diagonal_, working_scale_;
    Matrix basis_;
    Vector values_, gains_;
    double tail_ = 1;
};

}  // namespace

std::unique_ptr<Preconditioner> gather_nystrom(const FiniteSum& sum, const SumPoint& at, Index rank,
                                               std::uint64_t seed, const Context& context) {
    return std::make_unique<Nystrom>(sum, at, rank, seed, context);
}

}  // namespace cycloid::newton
