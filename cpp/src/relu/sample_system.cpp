#include "sample_system.hpp"

#include <Eigen/Cholesky>
#include <Eigen/LU>
#include <algorithm>
#include <cmath>
#include <vector>

#include "cycloid/core/cholesky.hpp"

namespace cycloid::relu {
namespace {

constexpr double largest_factor = 12000;  // rows
constexpr double most_entries = 2.5e8;    // of all factors: 2 GB
constexpr Index tile = 192;

// The outputs whose equations hang together, and the blocks in them.
struct Group {
    std::vector<Index> outputs, blocks;
};

// Separate outputs are groups of their own.
std::vector<Group> make_groups(const Blocks& blocks, bool separate) {
    const Index outputs = blocks.direction.rows();
    std::vector<Group> groups(static_cast<std::size_t>(separate ? outputs : 1));
    for (Index j = 0; j < outputs; ++j) groups[separate ? j : 0].outputs.push_back(j);
    for (Index b = 0; b < blocks.count(); ++b) {
        Index owner = 0;
        if (separate) blocks.direction.col(b).cwiseAbs().maxCoeff(&owner);
        groups[owner].blocks.push_back(b);
    }
    return groups;
}

// Multiplicity of each pattern in a group of one output.
std::vector<double> pattern_weights(const Program& merged, const Group& group) {
    std::vector<double> weights(static_cast<std::size_t>(merged.patterns.count()), 0.0);
    for (const Index b : group.blocks) {
        weights[merged.blocks.pattern[b]] += merged.blocks.direction.col(b).squaredNorm();
    }
    return weights;
}

// Cholesky factors of ridge I + A for one ridge after another. The factor has the lower triangle;
// A stays in the upper one, and its diagonal apart.
class RidgedFactor {
public:
    // A's lower triangle is to be filled in here, then kept.
    Matrix& entries() { return both_; }
    void keep() {
        diagonal_ = both_.diagonal();
        mirror([this](Index i, Index j) { both_(j, i) = both_(i, j); });
    }
    bool empty() const { return diagonal_.size() == 0; }

    // False if interrupted.
    bool factor(double ridge, const Context& context) {
        mirror([this](Index i, Index j) { both_(i, j) = both_(j, i); });
        both_.diagonal() = diagonal_.array() + ridge;
        return cholesky(both_, 1e-15, context) >= 0;
    }
    void solve(Eigen::Ref<Vector> x) const { cholesky_solve(both_, x); }

private:
    // For i > j, tile by tile: one of the two lies across the memory.
    template <class Body>
    void mirror(const Body& body) {
        constexpr Index side = 32;
        const Index size = both_.rows();
        for (Index left = 0; left < size; left += side) {
            for (Index top = left; top < size; top += side) {
                for (Index j = left; j < std::min(left + side, size); ++j) {
                    for (Index i = std::max(top, j + 1); i < std::min(top + side, size); ++i) {
                        body(i, j);
                    }
                }
            }
        }
    }

    Matrix both_;
    Vector diagonal_;
};

// The inverse from a factor; the intercept by (ridge I + F F')^-1 1, eliminated exactly.
class DirectSystem : public SampleSystem {
public:
    DirectSystem(const Program& merged, const Context& context)
        : merged_(merged), context_(context) {}

    void solve(const Matrix& right, Matrix& b, RowVector& c, Matrix& fit) override {
        b = right;
        apply_inverse(b);
        c = RowVector::Zero(right.cols());
        if (merged_.intercept) {
            c = -(schur_inverse_ * b.colwise().sum().transpose()).transpose();
            for (Index j = 0; j < c.size(); ++j) b += c[j] * inverse_ones_[j];
        }
        fit = ridge_ * b;
    }

protected:
    virtual void apply_inverse(Matrix& q) = 0;

    void eliminate_intercept() {
        if (!merged_.intercept) return;
        const Index n = merged_.x.rows(), outputs = merged_.blocks.direction.rows();
        Matrix schur(outputs, outputs);
        inverse_ones_.clear();
        for (Index j = 0; j < outputs; ++j) {
            Matrix ones = Matrix::Zero(n, outputs);
            ones.col(j).setOnes();
            apply_inverse(ones);
            schur.col(j) = ones.colwise().sum().transpose();
            inverse_ones_.push_back(std::move(ones));
        }
        schur_inverse_ = schur.inverse();
    }

    const Program& merged_;
    Context context_;
    double ridge_ = 1;

private:
    Matrix schur_inverse_;
    std::vector<Matrix> inverse_ones_;
};

// ridge I + sum_b (g_b g_b') (x) (X X') o (d_b d_b'), one factor a group; outputs with the same
// patterns share theirs.
class SampleFactor final : public DirectSystem {
public:
    SampleFactor(const Program& merged, bool separate, const Context& context)
        : DirectSystem(merged, context), groups_(make_groups(merged.blocks, separate)) {
        for (std::size_t g = 0; g < groups_.size(); ++g) {
            twin_.push_back(g);
            if (!separate) continue;
            const auto weights = pattern_weights(merged, groups_[g]);
            for (std::size_t earlier = 0; earlier < g; ++earlier) {
                if (pattern_weights(merged, groups_[earlier]) == weights) {
                    twin_[g] = twin_[earlier];
                    break;
                }
            }
        }
        factors_.resize(groups_.size());
    }

    bool factor(double ridge) override {
        ridge_ = ridge;
        for (std::size_t g = 0; g < groups_.size(); ++g) {
            if (twin_[g] != g) continue;
            if (factors_[g].empty()) assemble(groups_[g], factors_[g]);
            if (!factors_[g].factor(ridge, context_)) return false;
        }
        eliminate_intercept();
        return true;
    }

private:
    void assemble(const Group& group, RidgedFactor& factor) const {
        const MatrixView& x = merged_.x;
        const Index n = x.rows(), width = std::ssize(group.outputs);
        Matrix& out = factor.entries();
        out.resize(n * width, n * width);
        for (Index i = 0; i < width; ++i) {
            for (Index j = 0; j <= i; ++j) {
                const Index row = group.outputs[i], column = group.outputs[j];
                Matrix left(n, std::ssize(group.blocks)), right(n, std::ssize(group.blocks));
                for (Index b = 0; b < left.cols(); ++b) {
                    const Index block = group.blocks[b];
                    right.col(b) =
                        merged_.patterns.active.col(merged_.blocks.pattern[block]).cast<double>();
                    left.col(b) = merged_.blocks.direction(row, block) *
                                  merged_.blocks.direction(column, block) * right.col(b);
                }
                auto target = out.block(i * n, j * n, n, n);
                const double flops = double(n) * double(n) * double(x.cols() + left.cols());
                parallel_blocks(context_.team(flops), n, tile, [&](Index begin, Index end) {
                    // Below the diagonal only, where the block itself is on it.
                    const Index from = i == j ? begin : 0, size = end - begin;
                    auto part = target.block(from, begin, n - from, size);
                    const Matrix kernel =
                        x.bottomRows(n - from) * x.middleRows(begin, size).transpose();
                    part.noalias() =
                        left.bottomRows(n - from) * right.middleRows(begin, size).transpose();
                    part.array() *= kernel.array();
                });
            }
        }
        factor.keep();
    }

    void apply_inverse(Matrix& q) override {
        const Index n = q.rows();
        for (std::size_t g = 0; g < groups_.size(); ++g) {
            const Group& group = groups_[g];
            Vector stacked(n * std::ssize(group.outputs));
            for (Index i = 0; i < std::ssize(group.outputs); ++i) {
                stacked.segment(i * n, n) = q.col(group.outputs[i]);
            }
            factors_[twin_[g]].solve(stacked);
            for (Index i = 0; i < std::ssize(group.outputs); ++i) {
                q.col(group.outputs[i]) = stacked.segment(i * n, n);
            }
        }
    }

    std::vector<Group> groups_;
    std::vector<std::size_t> twin_;
    std::vector<RidgedFactor> factors_;
};

// The same inverse by Woodbury's formula, (I - F (ridge I + F'F)^-1 F') / ridge.
class ParameterFactor final : public DirectSystem {
public:
    ParameterFactor(const Program& merged, bool separate, const Context& context)
        : DirectSystem(merged, context), groups_(make_groups(merged.blocks, separate)) {
        factors_.resize(groups_.size());
    }

    bool factor(double ridge) override {
        ridge_ = ridge;
        for (std::size_t g = 0; g < groups_.size(); ++g) {
            if (factors_[g].empty() && !assemble(groups_[g], factors_[g])) return false;
            if (!factors_[g].factor(ridge, context_)) return false;
        }
        eliminate_intercept();
        return true;
    }

private:
    // False if interrupted.
    bool assemble(const Group& group, RidgedFactor& factor) const {
        Matrix& out = factor.entries();
        const Index count = std::ssize(group.blocks), d = merged_.x.cols(), n = merged_.x.rows();
        out.resize(count * d, count * d);
        const double flops = double(n) * double(d * d) * double(count * count);
        parallel_for(context_.team(flops), count, [&](Index j) {
            if (context_.stop()) return;
            const Index right = group.blocks[j];
            const auto* on_right =
                merged_.patterns.active.col(merged_.blocks.pattern[right]).data();
            std::vector<Index> rows;
            for (Index k = 0; k < n; ++k) {
                if (on_right[k] != 0) rows.push_back(k);
            }
            const Matrix kept = merged_.x(rows, Eigen::all);
            Matrix masked(kept.rows(), d);
            for (Index i = j; i < count; ++i) {
                const Index left = group.blocks[i];
                const auto* on_left =
                    merged_.patterns.active.col(merged_.blocks.pattern[left]).data();
                for (Index column = 0; column < d; ++column) {
                    for (Index k = 0; k < kept.rows(); ++k) {
                        masked(k, column) = on_left[rows[k]] != 0 ? kept(k, column) : 0.0;
                    }
                }
                const double scale =
                    merged_.blocks.direction.col(left).dot(merged_.blocks.direction.col(right));
                out.block(i * d, j * d, d, d).noalias() = scale * (masked.transpose() * kept);
            }
        });
        if (context_.stop()) return false;
        factor.keep();
        return true;
    }

    void apply_inverse(Matrix& q) override {
        adjoint(merged_, q, context_, inner_);
        const Index d = inner_.rows();
        for (std::size_t g = 0; g < groups_.size(); ++g) {
            const auto& blocks = groups_[g].blocks;
            Matrix part = inner_(Eigen::all, blocks);
            factors_[g].solve(Eigen::Map<Vector>(part.data(), d * part.cols()));
            inner_(Eigen::all, blocks) = part;
        }
        features(merged_, inner_, context_, image_);
        q = (q - image_) / ridge_;
    }

    std::vector<Group> groups_;
    std::vector<RidgedFactor> factors_;
    Matrix inner_, image_;
};

// Conjugate gradients, with an intercept among the B whose columns sum to zero. They are
// preconditioned by what the mean of the patterns makes of F F', a multiple of X X', beside a
// multiple of I for the rest.
class IterativeSystem final : public SampleSystem {
public:
    IterativeSystem(const Program& merged, const Context& context)
        : merged_(merged), context_(context) {
        const MatrixView& x = merged.x;
        const double outputs = static_cast<double>(merged.blocks.direction.rows());
        const double weight = merged.blocks.direction.squaredNorm() / outputs;
        const double share = merged.patterns.active.cast<double>().mean();
        common_ = weight * share * share;
        const double rank = double(std::min(x.rows(), x.cols() * merged.blocks.count()));
        rest_ = weight * share * (1 - share) * x.squaredNorm() / rank;
        gram_ = Matrix::Zero(x.cols(), x.cols());
        gram_.selfadjointView<Eigen::Lower>().rankUpdate(x.transpose());
    }

    bool factor(double ridge) override {
        ridge_ = ridge;
        floor_ = std::max(ridge, rest_);
        Matrix inner = common_ / floor_ * gram_;
        inner.diagonal().array() += 1;
        inner_factor_.compute(inner.selfadjointView<Eigen::Lower>());
        return true;
    }

    void solve(const Matrix& right, Matrix& b, RowVector& c, Matrix& fit) override {
        constexpr double reduction = 0.03;  // of the error of the guess: inexact ADMM converges
        constexpr Index most = 100;
        if (b.size() != right.size()) b = Matrix::Zero(right.rows(), right.cols());
        centre(b);
        Matrix image;
        apply(b, image);
        Matrix residual = right - image;
        c = RowVector::Zero(right.cols());
        if (merged_.intercept) c = -residual.colwise().mean();
        centre(residual);
        Matrix scaled = precondition(residual), direction = scaled;
        double rho = residual.cwiseProduct(scaled).sum();
        const double enough = std::max(reduction * reduction * rho, 1e-26 * right.squaredNorm());
        for (Index k = 0; k < most && rho > enough && !context_.stop(); ++k) {
            apply(direction, image);
            const double length = rho / direction.cwiseProduct(image).sum();
            b += length * direction;
            residual -= length * image;
            if (merged_.intercept) c -= residual.colwise().mean();
            centre(residual);
            scaled = precondition(residual);
            const double next = residual.cwiseProduct(scaled).sum();
            direction = scaled + next / rho * direction;
            rho = next;
        }
        fit = ridge_ * b + residual;
    }

private:
    void centre(Matrix& b) const {
        if (merged_.intercept) b.rowwise() -= b.colwise().mean().eval();
    }
    void apply(const Matrix& b, Matrix& out) {
        adjoint(merged_, b, context_, inner_);
        features(merged_, inner_, context_, out);
        out += ridge_ * b;
    }
    // (floor I + common X X')^-1
    Matrix precondition(const Matrix& r) {
        Matrix back, out;
        multiply_transposed(merged_, r, context_, back);
        multiply(merged_, inner_factor_.solve(back), context_, out);
        out = (r - common_ / floor_ * out) / floor_;
        centre(out);
        return out;
    }

    const Program& merged_;
    Context context_;
    Matrix inner_, gram_;
    Eigen::LLT<Matrix> inner_factor_;
    double ridge_ = 1, common_ = 1, rest_ = 1, floor_ = 1;
};

}  // namespace

SystemKind cheapest_system(const Program& merged, bool separate) {
    struct Size {
        double rows = 0, entries = 0;

        void add(double size) {
            rows = std::max(rows, size);
            entries += size * size;
        }
        bool fits() const { return rows <= largest_factor && entries <= most_entries; }
    };
    Size samples, parameters;
    for (const Group& group : make_groups(merged.blocks, separate)) {
        samples.add(double(merged.x.rows()) * double(group.outputs.size()));
        parameters.add(double(merged.x.cols()) * double(group.blocks.size()));
    }
    // A step by the parameters' factor goes through X twice more.
    if (samples.fits() && samples.rows <= 3 * parameters.rows) return SystemKind::Samples;
    return parameters.fits() ? SystemKind::Parameters : SystemKind::Iterative;
}

std::unique_ptr<SampleSystem> make_sample_system(SystemKind kind, const Program& merged,
                                                 bool separate, const Context& context) {
    switch (kind) {
        case SystemKind::Samples:
            return std::make_unique<SampleFactor>(merged, separate, context);
        case SystemKind::Parameters:
            return std::make_unique<ParameterFactor>(merged, separate, context);
        default:
            return std::make_unique<IterativeSystem>(merged, context);
    }
}

}  // namespace cycloid::relu
