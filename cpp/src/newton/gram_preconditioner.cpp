#include <cmath>
#include <limits>

#include "cycloid/core/cholesky.hpp"
#include "cycloid/newton/precondition.hpp"

namespace cycloid::newton {
namespace {

// Rows of sqrt(D) [X 1], or of a sketch of it.
class WeightedRows {
public:
    virtual ~WeightedRows() = default;
    virtual Index count() const = 0;
    // Rows [begin, end) of X's part, side by side, and of the last column.
    virtual void read(Index begin, Index end, double* x, double* ones) const = 0;
};

class ChosenRows final : public WeightedRows {
public:
    ChosenRows(const Rows& x, std::vector<Index> which, Vector root)
        : x_(x), which_(std::move(which)), root_(std::move(root)) {}
    Index count() const override { return static_cast<Index>(which_.size()); }
    void read(Index begin, Index end, double* x, double* ones) const override {
        const Index d = x_.columns();
        x_.pack(&which_[begin], end - begin, 0, d, x);
        for (Index i = begin; i < end; ++i) {
            ones[i - begin] = root_[which_[i]];
            Eigen::Map<Vector>(x + (i - begin) * d, d) *= root_[which_[i]];
        }
    }

private:
    const Rows& x_;
    std::vector<Index> which_;
    Vector root_;
};

class SketchedRows final : public WeightedRows {
public:
    SketchedRows(const Rows& x, const Sketch& sketch, const Vector& root, bool with_ones,
                 const Context& context)
        : x_(apply<double>(sketch, x, root.data(), context)), ones_(Vector::Zero(sketch.rows)) {
        if (!with_ones) return;
        const Vector one = Vector::Ones(x.rows());
        const auto column = make_dense_rows(one.data(), x.rows(), 1, 1, 1);
        ones_ = apply<double>(sketch, *column, root.data(), context);
    }
    Index count() const override { return x_.rows(); }
    void read(Index begin, Index end, double* x, double* ones) const override {
        std::copy(x_.data() + begin * x_.cols(), x_.data() + end * x_.cols(), x);
        std::copy(ones_.data() + begin, ones_.data() + end, ones);
    }

private:
    RowMatrix<double> x_;
    Vector ones_;
};

std::unique_ptr<WeightedRows> weighted_rows(const FiniteSum& sum, Vector root,
                                            const CurvaturePlan& plan, const Context& context) {
    const Index n = sum.x.rows();
    const auto sketched = [&](SketchKind kind) {
        const Sketch sketch{kind, plan.rows, n, plan.seed};
        return std::make_unique<SketchedRows>(sum.x, sketch, root, sum.intercept, context);
    };
    switch (plan.source) {
        case CurvatureSource::SparseSign:
            return sketched(SketchKind::SparseSign);
        case CurvatureSource::Srht:
            return sketched(SketchKind::Srht);
        case CurvatureSource::Gaussian:
            return sketched(SketchKind::Gaussian);
        default:
            break;
    }
    const Index count = plan.source == CurvatureSource::All ? n : std::min(plan.rows, n);
    root *= std::sqrt(static_cast<double>(n) / static_cast<double>(count));
    return std::make_unique<ChosenRows>(sum.x, draw(n, count, plan.seed), std::move(root));
}

// sqrt of the diagonal of D for one output.
Vector root_curvature(const FiniteSum& sum, const SumPoint& at, Index output) {
    const auto h = at.curvature.col(output).array();
    if (sum.loss != LossKind::Multinomial) return h.sqrt();
    const Eigen::Map<const Eigen::ArrayXd> w(sum.weights, h.size());
    return (w * h * (1.0 - h)).max(0.0).sqrt();
}

// Of one output: the Gram matrix of the columns, centred where an intercept takes their means up
// and scaled to a unit diagonal, so that single precision serves all of them alike.
template <class Real>
class Block {
public:
    using RealMatrix = Eigen::MatrixX<Real>;
    using RealVector = Eigen::VectorX<Real>;

    // One pass over the rows, about centres and in scales that a few of them give. The sums about
    // the centres tell the means; the diagonal, the scales.
    void gather(const WeightedRows& rows, Index d, bool centred, const Context& context) {
        centred_ = centred;
        gram_ = RealMatrix::Zero(d, d);
        survey(rows, d);
        constexpr Index height = 512;
        const Index count = rows.count();
        RowMatrix<Real> block(std::min(height, count), d);
        Vector ones(block.rows()), sums = Vector::Zero(d);
        total_ = 0;
        for (Index begin = 0; begin < count && !context.stop(); begin += height) {
            const Index end = std::min(begin + height, count);
            if (end - begin < block.rows()) block.resize(end - begin, d);
            read(rows, begin, end, block, ones, context);
            add_products(block, context);
            if (!centred) continue;
            const auto weights = ones.head(end - begin);
            sums += (block.transpose() * weights.template cast<Real>()).template cast<double>();
            total_ += weights.squaredNorm();
        }
        settle(sums);
    }

    bool factor(const CurvatureTerms& terms, Index output, const Context& context) {
        const Index d = gram_.rows();
        factor_ = gram_;
        // Columns that the sum does not see are scaled by what is added to them.
        working_scale_ = scale_;
        for (Index j = 0; j < d; ++j) {
            if (scale_[j] > 0 && terms.diagonal * scale_[j] * scale_[j] < 1e4) continue;
            const double size = terms.diagonal + (scale_[j] > 0 ? 1 / (scale_[j] * scale_[j]) : 0);
            const double wanted = size > 0 ? 1.0 / std::sqrt(size) : 1.0;
            const Real ratio = static_cast<Real>(scale_[j] > 0 ? wanted / scale_[j] : 0.0);
            factor_.row(j) *= ratio;
            factor_.col(j) *= ratio;
            working_scale_[j] = wanted;
        }
        if (terms.dense != nullptr) {
            const auto block = terms.dense->block(output * d, output * d, d, d);
            factor_ += (working_scale_.asDiagonal() * block * working_scale_.asDiagonal())
                           .template cast<Real>();
        }
        if (terms.low_rank != nullptr) {
            const RealMatrix u =
                (working_scale_.asDiagonal() * *terms.low_rank).template cast<Real>();
            factor_.template selfadjointView<Eigen::Lower>().rankUpdate(u);
        }
        // What rounding may have taken from the smallest eigenvalue.
        const double rounding =
            4.0 * std::numeric_limits<Real>::epsilon() * std::sqrt(static_cast<double>(d));
        for (Index j = 0; j < d; ++j) {
            const double added = terms.diagonal * working_scale_[j] * working_scale_[j];
            factor_(j, j) += static_cast<Real>(added + rounding);
        }
        return cholesky(factor_, std::numeric_limits<Real>::epsilon() / 8, context) == 0 &&
               factor_.diagonal().allFinite();
    }

    // [w; b] from the residual of both; b is left alone without an intercept.
    void solve(Eigen::Ref<Vector> w, double& b) const {
        if (centred_) w -= b * mean_;
        RealVector scaled = working_scale_.cwiseProduct(w).template cast<Real>();
        cholesky_solve(factor_, scaled);
        w = working_scale_.cwiseProduct(scaled.template cast<double>());
        if (centred_) b = (total_ > 0 ? b / total_ : b) - mean_.dot(w);
    }

private:
    // Means and scales of a few rows.
    void survey(const WeightedRows& rows, Index d) {
        constexpr Index most = 512;
        const Index count = rows.count(), some = std::min(most, count);
        RowMatrix<double> x(some, d);
        Vector ones(some);
        for (Index i = 0; i < some; ++i)
            rows.read(i * count / some, i * count / some + 1, &x(i, 0), &ones[i]);
        mean_ = Vector::Zero(d);
        if (centred_ && ones.squaredNorm() > 0) {
            mean_ = x.transpose() * ones / ones.squaredNorm();
            x -= ones * mean_.transpose();
        }
        scale_ =
            x.colwise().squaredNorm() * (static_cast<double>(count) / static_cast<double>(some));
        for (double& s : scale_) s = s > 0 && std::isfinite(s) ? 1.0 / std::sqrt(s) : 1.0;
    }

    // Rows about the centres and in the scales, in this precision.
    void read(const WeightedRows& rows, Index begin, Index end, RowMatrix<Real>& block,
              Vector& ones, const Context& context) const {
        constexpr Index grain = 32;
        const Index d = block.cols();
        parallel_blocks(context.team(4.0 * double(block.size())), end - begin, grain,
                        [&](Index first, Index last) {
                            RowMatrix<double> x(last - first, d);
                            rows.read(begin + first, begin + last, x.data(), &ones[first]);
                            for (Index i = first; i < last; ++i) {
                                const double one = centred_ ? ones[i] : 0.0;
                                const double* value = x.data() + (i - first) * d;
                                Real* out = block.data() + i * d;
#pragma omp simd
                                for (Index j = 0; j < d; ++j) {
                                    out[j] =
                                        static_cast<Real>((value[j] - one * mean_[j]) * scale_[j]);
                                }
                            }
                        });
    }

    // From sums about the provisional centres to the means, and to a unit diagonal.
    void settle(const Vector& sums) {
        const Index d = gram_.rows();
        if (centred_ && total_ > 0) {
            const RealVector shift = (sums / std::sqrt(total_)).template cast<Real>();
            gram_.template selfadjointView<Eigen::Lower>().rankUpdate(shift, Real{-1});
            mean_ += (sums / total_).cwiseQuotient(scale_);
        }
        Vector size(d);
        for (Index j = 0; j < d; ++j) {
            const auto square = static_cast<double>(gram_(j, j));
            size[j] = square > 0 ? 1.0 / std::sqrt(square) : 0.0;
        }
        gram_ = size.template cast<Real>().asDiagonal() * gram_ *
                size.template cast<Real>().asDiagonal();
        scale_ = scale_.cwiseProduct(size);
    }

    // gram += x'x, lower triangle, tile by tile.
    void add_products(const RowMatrix<Real>& x, const Context& context) {
        constexpr Index side = 256;
        const Index d = x.cols(), tiles = (d + side - 1) / side;
        parallel_for(context.team(double(x.rows()) * double(d * d) / 2), tiles * (tiles + 1) / 2,
                     [&](Index t) {
                         Index column = 0;
                         while (t >= tiles - column) t -= tiles - column++;
                         const Index i = (column + t) * side, j = column * side;
                         const Index height = std::min(side, d - i), width = std::min(side, d - j);
                         auto target = gram_.block(i, j, height, width);
                         if (i == j) {
                             target.template selfadjointView<Eigen::Lower>().rankUpdate(
                                 x.middleCols(i, height).transpose());
                         } else {
                             target.noalias() +=
                                 x.middleCols(i, height).transpose() * x.middleCols(j, width);
                         }
                     });
    }

    bool centred_ = false;
    double total_ = 0;  // sum of the curvature, which the intercept sees
    Vector mean_, scale_, working_scale_;
    RealMatrix gram_, factor_;
};

template <class Real>
class GramPreconditioner final : public Preconditioner {
public:
    GramPreconditioner(const FiniteSum& sum, const SumPoint& at, const CurvaturePlan& plan,
                       const Context& context)
        : columns_(sum.x.columns()),
          coefficients_(sum.coefficients()),
          intercept_(sum.intercept),
          blocks_(static_cast<std::size_t>(sum.outputs)) {
        for (Index k = 0; k < sum.outputs; ++k) {
            const auto rows = weighted_rows(sum, root_curvature(sum, at, k), plan, context);
            blocks_[k].gather(*rows, columns_, intercept_, context);
        }
    }
    bool factor(const CurvatureTerms& terms, const Context& context) override {
        for (std::size_t k = 0; k < blocks_.size(); ++k) {
            if (!blocks_[k].factor(terms, static_cast<Index>(k), context)) return false;
        }
        return true;
    }
    Vector solve(const Vector& r) const override {
        Vector out = r;
        double none = 0;
        for (std::size_t k = 0; k < blocks_.size(); ++k) {
            const auto output = static_cast<Index>(k);
            blocks_[k].solve(out.segment(output * columns_, columns_),
                             intercept_ ? out[coefficients_ + output] : none);
        }
        return out;
    }

private:
    Index columns_, coefficients_;
    bool intercept_;
    std::vector<Block<Real>> blocks_;
};

}  // namespace

std::unique_ptr<Preconditioner> gather_curvature(const FiniteSum& sum, const SumPoint& at,
                                                 const CurvaturePlan& plan,
                                                 const Context& context) {
    if (plan.single) return std::make_unique<GramPreconditioner<float>>(sum, at, plan, context);
    return std::make_unique<GramPreconditioner<double>>(sum, at, plan, context);
}

}  // namespace cycloid::newton
