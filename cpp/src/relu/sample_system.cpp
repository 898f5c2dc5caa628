#include "sample_system.hpp"

#include <Eigen/LU>
#include <algorithm>
#include <cmath>
#include <vector>

#include "cycloid/core/cholesky.hpp"

namespace cycloid::relu {
namespace {

constexpr Index largest_factor = 5000;
constexpr Index tile = 192;

// The outputs whose equations hang together, and the blocks in them.
struct Group {
    std::vector<Index> outputs, blocks;
};

// Separate outputs are groups of their own. `twin` is the first output with the same patterns.
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

// M^-1 from a factor; the intercept by M^-1 1, eliminated exactly.
class DirectSystem : public SampleSystem {
public:
    DirectSystem(const Program& merged, const Context& context)
        : merged_(merged), context_(context) {}

    void solve(const Matrix& right, Matrix& a, RowVector& c) override {
        a = right;
        apply_inverse(a);
        if (!merged_.intercept) return;
        c = -(schur_inverse_ * a.colwise().sum().transpose()).transpose();
        for (Index j = 0; j < c.size(); ++j) a += c[j] * inverse_ones_[j];
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

private:
    Matrix schur_inverse_;
    std::vector<Matrix> inverse_ones_;
};

// I / loss + sum_b (g_b g_b') (x) (X K^-1 X') o (d_b d_b'), one factor a group; outputs with the
// same patterns share theirs.
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

    bool factor(const Matrix& root, double loss_penalty) override {
        Matrix scaled;
        multiply(merged_, root, context_, scaled);
        for (std::size_t g = 0; g < groups_.size(); ++g) {
            if (twin_[g] != g) continue;
            assemble(groups_[g], scaled, 1 / loss_penalty, factors_[g]);
            if (cholesky(factors_[g], 1e-15, context_) < 0) return false;
        }
        eliminate_intercept();
        return true;
    }

private:
    void assemble(const Group& group, const Matrix& scaled, double diagonal, Matrix& out) const {
        const Index n = scaled.rows(), width = std::ssize(group.outputs);
        out.resize(n * width, n * width);
        for (Index i = 0; i < width; ++i) {
            for (Index j = 0; j <= i; ++j) {
                const Index row = group.outputs[i], column = group.outputs[j];
                Matrix left(n, std::ssize(group.blocks)), right(n, std::ssize(group.blocks));
                for (Index b = 0; b < left.cols(); ++b) {
                    const Index block = group.blocks[b];
                    right.col(b) = merged_.patterns.active.col(merged_.blocks.pattern[block])
                                       .cast<double>();
                    left.col(b) = merged_.blocks.direction(row, block) *
                                  merged_.blocks.direction(column, block) * right.col(b);
                }
                auto target = out.block(i * n, j * n, n, n);
                const double flops = double(n) * double(n) * double(scaled.cols() + left.cols());
                parallel_blocks(
                    context_.team(flops), n, tile, [&](Index begin, Index end) {
                        // Below the diagonal only, where the block itself is on it.
                        const Index from = i == j ? begin : 0, size = end - begin;
                        auto part = target.block(from, begin, n - from, size);
                        const Matrix kernel = scaled.bottomRows(n - from) *
                                              scaled.middleRows(begin, size).transpose();
                        part.noalias() =
                            left.bottomRows(n - from) * right.middleRows(begin, size).transpose();
                        part.array() *= kernel.array();
                    });
            }
        }
        out.diagonal().array() += diagonal;
    }

    void apply_inverse(Matrix& q) override {
        const Index n = q.rows();
        for (std::size_t g = 0; g < groups_.size(); ++g) {
            const Group& group = groups_[g];
            Vector stacked(n * std::ssize(group.outputs));
            for (Index i = 0; i < std::ssize(group.outputs); ++i) {
                stacked.segment(i * n, n) = q.col(group.outputs[i]);
            }
            cholesky_solve(factors_[twin_[g]], stacked);
            for (Index i = 0; i < std::ssize(group.outputs); ++i) {
                q.col(group.outputs[i]) = stacked.segment(i * n, n);
            }
        }
    }

    std::vector<Group> groups_;
    std::vector<std::size_t> twin_;
    std::vector<Matrix> factors_;
};

// The same inverse by Woodbury's formula, loss I - loss^2 F (I (x) K + loss F'F)^-1 F', in
// coordinates where K is the identity.
class ParameterFactor final : public DirectSystem {
public:
    ParameterFactor(const Program& merged, bool separate, const Context& context)
        : DirectSystem(merged, context), groups_(make_groups(merged.blocks, separate)) {
        factors_.resize(groups_.size());
    }

    bool factor(const Matrix& root, double loss_penalty) override {
        root_ = root;
        loss_ = loss_penalty;
        multiply(merged_, root, context_, scaled_);
        for (std::size_t g = 0; g < groups_.size(); ++g) {
            assemble(groups_[g], factors_[g]);
            if (cholesky(factors_[g], 1e-15, context_) < 0) return false;
        }
        eliminate_intercept();
        return true;
    }

private:
    void assemble(const Group& group, Matrix& out) const {
        const Index count = std::ssize(group.blocks), d = scaled_.cols(), n = scaled_.rows();
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
            const Matrix kept = scaled_(rows, Eigen::all);
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
                const double scale = loss_ * merged_.blocks.direction.col(left).dot(
                                                 merged_.blocks.direction.col(right));
                out.block(i * d, j * d, d, d).noalias() = scale * (masked.transpose() * kept);
            }
        });
        out.diagonal().array() += 1;
    }

    void apply_inverse(Matrix& q) override {
        adjoint(merged_, q, context_, inner_);
        inner_ = (loss_ * root_.transpose() * inner_).eval();
        const Index d = inner_.rows();
        for (std::size_t g = 0; g < groups_.size(); ++g) {
            const auto& blocks = groups_[g].blocks;
            Matrix part = inner_(Eigen::all, blocks);
            cholesky_solve(factors_[g], Eigen::Map<Vector>(part.data(), d * part.cols()));
            inner_(Eigen::all, blocks) = part;
        }
        multiply(merged_, root_ * inner_, context_, products_);
        predictions(merged_, products_, RowVector::Zero(q.cols()), context_, image_);
        q = loss_ * (q - image_);
    }

    std::vector<Group> groups_;
    std::vector<Matrix> factors_;
    Matrix root_, scaled_, inner_, products_, image_;
    double loss_ = 1;
};

// Conjugate gradients on the samples, which is what K preconditions among the parameters. With an
// intercept they run where columns sum to zero.
class IterativeSystem final : public SampleSystem {
public:
    IterativeSystem(const Program& merged, const Context& context)
        : merged_(merged), context_(context) {}

    bool factor(const Matrix& root, double loss_penalty) override {
        inverse_ = root * root.transpose();
        loss_ = loss_penalty;
        return true;
    }

    void solve(const Matrix& right, Matrix& a, RowVector& c) override {
        constexpr double reduction = 0.03;  // of the error of the guess: inexact ADMM converges
        constexpr Index most = 100;
        if (a.size() != right.size()) a = Matrix::Zero(right.rows(), right.cols());
        centre(a);
        Matrix image, residual = right;
        apply(a, image);
        residual -= image;
        centre(residual);
        Matrix direction = residual;
        double rho = residual.squaredNorm();
        const double enough =
            std::max(reduction * reduction * rho, 1e-26 * right.squaredNorm());
        for (Index k = 0; k < most && rho > enough && !context_.stop(); ++k) {
            apply(direction, image);
            centre(image);
            const double length = rho / direction.cwiseProduct(image).sum();
            a += length * direction;
            residual -= length * image;
            const double next = residual.squaredNorm();
            direction = residual + next / rho * direction;
            rho = next;
        }
        if (!merged_.intercept) return;
        apply(a, image);
        c = (image - right).colwise().mean();
    }

private:
    void centre(Matrix& a) const {
        if (merged_.intercept) a.rowwise() -= a.colwise().mean().eval();
    }
    void apply(const Matrix& a, Matrix& out) {
        adjoint(merged_, a, context_, inner_);
        multiply(merged_, inverse_ * inner_, context_, products_);
        predictions(merged_, products_, RowVector::Zero(a.cols()), context_, out);
        out += a / loss_;
    }

    const Program& merged_;
    Context context_;
    Matrix inverse_, inner_, products_;
    double loss_ = 1;
};

}  // namespace

std::unique_ptr<SampleSystem> make_sample_system(const Program& merged, bool separate,
                                                 const Context& context) {
    const Index n = merged.x.rows(), d = merged.x.cols();
    Index samples = n, parameters = 0;
    for (const Group& group : make_groups(merged.blocks, separate)) {
        samples = std::max(samples, n * std::ssize(group.outputs));
        parameters = std::max(parameters, d * std::ssize(group.blocks));
    }
    // A step by the parameters' factor goes through X twice more.
    if (samples <= largest_factor && samples <= 3 * parameters) {
        return std::make_unique<SampleFactor>(merged, separate, context);
    }
    if (parameters <= largest_factor) {
        return std::make_unique<ParameterFactor>(merged, separate, context);
    }
    return std::make_unique<IterativeSystem>(merged, context);
}

}  // namespace cycloid::relu
