// Multinomial logistic loss. The predictors z are n_samples x n_classes, a class a column.
#include <algorithm>
#include <cmath>
#include <utility>

#include "cycloid/core/simd.hpp"
#include "linear_blocks.hpp"

namespace cycloid::bcd {
namespace {

class SoftmaxBlocks final : public BlockProblem {
public:
    SoftmaxBlocks(const Operator& a, const Index* b, Index n_classes, double l2,
                  Separable separable, const Context& context)
        : BlockProblem(std::move(separable)),
          a_(a),
          b_(b),
          n_classes_(n_classes),
          l2_(l2),
          context_(context),
          columns_(all_columns(a)),
          squares_(squared_norms(a, context)),
          z_(a.rows(), n_classes),
          p_(a.rows(), n_classes),
          moved_(a.rows(), n_classes),
          top_(a.rows()),
          total_(a.rows()),
          gradient_(a.columns() * n_classes),
          members_(static_cast<std::size_t>(n_classes)) {
        SoftmaxBlocks::start(Vector::Zero(size()));
    }

    Index size() const override { return a_.columns() * n_classes_; }
    // p (1 - p) <= 1/4 whatever the number of classes.
    Vector lipschitz() const override { return each_class(0.25 * squares_); }
    Vector diagonal_bound() const override {
        return each_class((1 - 1.0 / double(n_classes_)) * absolute_row_sums(a_, context_));
    }
    // The bound is A'A (x) (I - 1 1' / n_classes) / 2 (Boehning 1992).
    void multiply(const Vector& d, Vector& out) const override;
    bool quadratic() const override { return false; }

    void start(const Vector& x) override {
        x_ = x;
        z_.setZero();
        std::vector<double> entries(columns_.size());
        for (Index c = 0; c < n_classes_; ++c) {
            for (Index j = 0; j < a_.columns(); ++j) entries[j] = x_[j * n_classes_ + c];
            a_.accumulate(columns_, entries.data(), nullptr, z_.col(c).data(), context_);
        }
        refresh();
    }
    double value() override { return loss_ + 0.5 * l2_ * x_.squaredNorm(); }
    const Vector& gradient() override;
    void gradient(Columns block, Vector& out) override;
    void hessian(Columns block, Curvature which, Matrix<double>& out) override;
    double change(Columns block, const Vector& target) override;
    void accept() override {
        group(trial_block_);
        for (const Index c : changed_) z_.col(c) = moved_.col(c);
        move();
        refresh();
    }

private:
    Vector each_class(const Vector& of_feature) const {
        Vector out(size());
        for (Index i = 0; i < out.size(); ++i) out[i] = of_feature[i / n_classes_] + l2_;
        return out;
    }
    // Sorts the block by class: members_[c] are positions in the block, changed_ the classes.
    void group(Columns block) {
        for (const Index c : changed_) members_[c].clear();
        changed_.clear();
        for (std::size_t k = 0; k < block.size(); ++k) {
            auto& list = members_[block[k] % n_classes_];
            if (list.empty()) changed_.push_back(block[k] % n_classes_);
            list.push_back(static_cast<Index>(k));
        }
        std::sort(changed_.begin(), changed_.end());
    }
    // The classes' predictors, shifted by the largest of each sample: log sum exp without overflow.
    // `column(c)` is class c.
    template <class Column>
    double log_sum(const Column& column) {
        top_ = column(0);
        for (Index c = 1; c < n_classes_; ++c) top_ = top_.cwiseMax(column(c));
        total_.setZero();
        for (Index c = 0; c < n_classes_; ++c) {
            const double* z = column(c).data();
            for (Index i = 0; i < a_.rows(); ++i) {
                total_[i] += simd::exp_nonpositive(z[i] - top_[i]);
            }
        }
        double sum = 0;
        for (Index i = 0; i < a_.rows(); ++i) {
            sum += std::log(total_[i]) + (top_[i] - column(b_[i])[i]);
        }
        return sum;
    }
    void refresh() {
        loss_ = log_sum([&](Index c) { return z_.col(c); });
        for (Index c = 0; c < n_classes_; ++c) {
            const double* z = z_.col(c).data();
            double* p = p_.col(c).data();
            for (Index i = 0; i < a_.rows(); ++i) {
                p[i] = simd::exp_nonpositive(z[i] - top_[i]) / total_[i];
            }
        }
        stale_ = true;
    }
    // The loss's derivative in class c.
    Vector slope(Index c) const {
        Vector out = p_.col(c);
        for (Index i = 0; i < a_.rows(); ++i) out[i] -= b_[i] == c ? 1.0 : 0.0;
        return out;
    }
    void local_hessian(Columns block, Matrix<double>& out);

    const Operator& a_;
    const Index* b_;
    Index n_classes_;
    double l2_;
    Context context_;
    std::vector<Index> columns_;
    Vector squares_;
    Matrix<double> z_, p_, moved_;  // moved_: z_ of the last trial, in the classes it changes
    Vector top_, total_;            // of log_sum
    double loss_ = 0;
    Vector gradient_;
    bool stale_ = true;
    std::vector<std::vector<Index>> members_;
    std::vector<Index> changed_;
};

void SoftmaxBlocks::multiply(const Vector& d, Vector& out) const {
    Matrix<double> product = Matrix<double>::Zero(a_.rows(), n_classes_);
    std::vector<Index> support;
    std::vector<double> entries;
    for (Index c = 0; c < n_classes_; ++c) {
        support.clear();
        entries.clear();
        for (Index j = 0; j < a_.columns(); ++j) {
            const double v = d[j * n_classes_ + c];
            if (v != 0) support.push_back(j), entries.push_back(v);
        }
        if (!support.empty()) {
            a_.accumulate(support, entries.data(), nullptr, product.col(c).data(), context_);
        }
    }
    const Vector mean = product.rowwise().mean();
    Vector of_class(a_.columns());
    out.resize(size());
    for (Index c = 0; c < n_classes_; ++c) {
        product.col(c) = 0.5 * (product.col(c) - mean);
        a_.correlate(product.col(c).data(), columns_, nullptr, of_class.data(), context_);
        for (Index j = 0; j < a_.columns(); ++j) out[j * n_classes_ + c] = of_class[j];
    }
    out += l2_ * d;
}

const Vector& SoftmaxBlocks::gradient() {
    if (!stale_) return gradient_;
    Vector of_class(a_.columns());
    for (Index c = 0; c < n_classes_; ++c) {
        const Vector u = slope(c);
        a_.correlate(u.data(), columns_, nullptr, of_class.data(), context_);
        for (Index j = 0; j < a_.columns(); ++j) gradient_[j * n_classes_ + c] = of_class[j];
    }
    gradient_ += l2_ * x_;
    stale_ = false;
    return gradient_;
}

void SoftmaxBlocks::gradient(Columns block, Vector& out) {
    out.resize(std::ssize(block));
    group(block);
    std::vector<Index> features;
    Vector values;
    for (const Index c : changed_) {
        features.clear();
        for (const Index k : members_[c]) features.push_back(block[k] / n_classes_);
        values.resize(std::ssize(features));
        const Vector u = slope(c);
        a_.correlate(u.data(), features, nullptr, values.data(), context_);
        for (std::size_t k = 0; k < features.size(); ++k) {
            out[members_[c][k]] = values[k] + l2_ * x_[block[members_[c][k]]];
        }
    }
}

void SoftmaxBlocks::hessian(Columns block, Curvature which, Matrix<double>& out) {
    const Index count = std::ssize(block);
    out.resize(count, count);
    if (which == Curvature::Local) {
        local_hessian(block, out);
    } else {
        group(block);
        std::vector<Index> features(block.size());
        for (Index k = 0; k < count; ++k) features[k] = block[k] / n_classes_;
        const Vector ones = Vector::Ones(a_.rows());
        a_.gram(features, 0, ones.data(), nullptr, out, context_);
        // Classes that stand still are as good as one: Boehning's bound for k of them.
        const double k = double(std::min(n_classes_, std::ssize(changed_) + 1));
        for (Index j = 0; j < count; ++j) {
            for (Index i = j; i < count; ++i) {
                const bool same = block[i] % n_classes_ == block[j] % n_classes_;
                out(i, j) *= same ? 0.5 * (1 - 1 / k) : -0.5 / k;
            }
        }
    }
    out.diagonal().array() += l2_;
}

// sum_i a_if a_ig p_ic ([c = d] - p_id) for members (f, c) and (g, d).
void SoftmaxBlocks::local_hessian(Columns block, Matrix<double>& out) {
    const Index count = std::ssize(block), n = a_.rows();
    std::vector<Index> features(block.size());
    for (Index k = 0; k < count; ++k) features[k] = block[k] / n_classes_;
    ColumnBlock columns;
    a_.gather(features, nullptr, columns, context_);
    const auto visit = [&](Index k, const auto& body) {
        const Index begin = columns.sparse ? columns.starts[k] : k * n;
        const Index end = columns.sparse ? columns.starts[k + 1] : begin + n;
        for (Index q = begin; q < end; ++q) {
            body(columns.sparse ? columns.rows[q] : q - begin, columns.values[q]);
        }
    };
    Vector dense = Vector::Zero(n);
    for (Index j = 0; j < count && !context_.stop(); ++j) {
        const Index c = block[j] % n_classes_;
        visit(j, [&](Index i, double v) { dense[i] = v * p_(i, c); });
        for (Index k = j; k < count; ++k) {
            const Index d = block[k] % n_classes_;
            const double* p = p_.col(d).data();
            const double same = c == d ? 1.0 : 0.0;
            double sum = 0;
            visit(k, [&](Index i, double v) { sum += dense[i] * v * (same - p[i]); });
            out(k, j) = sum;
        }
        visit(j, [&](Index i, double) { dense[i] = 0; });
    }
}

double SoftmaxBlocks::change(Columns block, const Vector& target) {
    const Vector& step = note_trial(block, target);
    group(block);
    std::vector<Index> features;
    std::vector<double> entries;
    std::vector<char> moved(static_cast<std::size_t>(n_classes_), 0);
    for (const Index c : changed_) {
        features.clear();
        entries.clear();
        for (const Index k : members_[c]) {
            features.push_back(block[k] / n_classes_);
            entries.push_back(step[k]);
        }
        moved_.col(c) = z_.col(c);
        a_.accumulate(features, entries.data(), nullptr, moved_.col(c).data(), context_);
        moved[c] = 1;
    }
    const auto column = [&](Index c) { return moved[c] != 0 ? moved_.col(c) : z_.col(c); };
    return log_sum(column) - loss_ + l2_ * square_change();
}

}  // namespace

std::unique_ptr<BlockProblem> make_softmax(const Operator& a, const Index* b, Index n_classes,
                                           double l2, Separable separable, const Context& context) {
    return std::make_unique<SoftmaxBlocks>(a, b, n_classes, l2, std::move(separable), context);
}

}  // namespace cycloid::bcd
