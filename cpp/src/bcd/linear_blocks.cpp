#include "linear_blocks.hpp"

#include <cmath>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "cycloid/bcd/loss.hpp"

namespace cycloid::bcd {

std::vector<Index> all_columns(const Operator& a) {
    std::vector<Index> columns(static_cast<std::size_t>(a.columns()));
    std::iota(columns.begin(), columns.end(), Index{0});
    return columns;
}

Vector squared_norms(const Operator& a, const Context& context) {
    const Vector ones = Vector::Ones(a.rows()), zeros = Vector::Zero(a.rows());
    Vector mean(a.columns()), square(a.columns()), slope(a.columns());
    a.survey(ones.data(), zeros.data(), false, mean.data(), square.data(), slope.data(), context);
    if (!square.allFinite()) throw std::invalid_argument("A contains NaN or infinity");
    return square;
}

Vector absolute_row_sums(const Operator& a, const Context& context) {
    constexpr Index width = 64;
    Vector rows = Vector::Zero(a.rows()), out = Vector::Zero(a.columns());
    const std::vector<Index> columns = all_columns(a);
    const auto pass = [&](const auto& visit) {
        for (Index first = 0; first < a.columns() && !context.stop(); first += width) {
            const Index count = std::min(width, a.columns() - first);
            ColumnBlock block;
            a.gather({columns.data() + first, static_cast<std::size_t>(count)}, nullptr, block,
                     context);
            for (Index k = 0; k < count; ++k) {
                const Index begin = block.sparse ? block.starts[k] : k * a.rows();
                const Index end = block.sparse ? block.starts[k + 1] : begin + a.rows();
                for (Index q = begin; q < end; ++q) {
                    visit(block.sparse ? block.rows[q] : q - begin, first + k,
                          std::fabs(block.values[q]));
                }
            }
        }
    };
    pass([&](Index i, Index, double v) { rows[i] += v; });
    pass([&](Index i, Index j, double v) { out[j] += rows[i] * v; });
    return out;
}

namespace {

template <class Loss>
class LinearBlocks final : public BlockProblem {
public:
    LinearBlocks(const Operator& a, const double* b, double l2, Separable separable,
                 const Context& context)
        : BlockProblem(std::move(separable)),
          a_(a),
          b_(b),
          l2_(l2),
          context_(context),
          columns_(all_columns(a)),
          squares_(squared_norms(a, context)),
          ones_(Vector::Ones(a.rows())),
          bound_(Vector::Constant(a.rows(), Loss::smoothness)),
          u_(a.rows()),
          h_(a.rows()),
          t_(Vector::Zero(a.rows())),
          gradient_(a.columns()) {
        LinearBlocks::start(Vector::Zero(a.columns()));
    }

    Index size() const override { return a_.columns(); }
    Vector lipschitz() const override { return (Loss::smoothness * squares_).array() + l2_; }
    Vector diagonal_bound() const override {
        return (Loss::smoothness * absolute_row_sums(a_, context_)).array() + l2_;
    }
    void multiply(const Vector& d, Vector& out) const override {
        Vector product = Vector::Zero(a_.rows());
        std::vector<Index> support;
        std::vector<double> entries;
        for (Index j = 0; j < d.size(); ++j) {
            if (d[j] != 0) support.push_back(j), entries.push_back(d[j]);
        }
        a_.accumulate(support, entries.data(), nullptr, product.data(), context_);
        out.resize(size());
        a_.correlate(product.data(), columns_, nullptr, out.data(), context_);
        out = Loss::smoothness * out + l2_ * d;
    }
    bool quadratic() const override { return Loss::quadratic; }

    void start(const Vector& x) override {
        x_ = x;
        z_ = Vector::Zero(a_.rows());
        a_.accumulate(columns_, x_.data(), nullptr, z_.data(), context_);
        refresh();
    }
    double value() override { return loss_ + 0.5 * l2_ * x_.squaredNorm(); }
    const Vector& gradient() override {
        if (stale_) {
            a_.correlate(u_.data(), columns_, nullptr, gradient_.data(), context_);
            gradient_ = l2_ * x_ - gradient_;
            stale_ = false;
        }
        return gradient_;
    }
    void gradient(Columns block, Vector& out) override {
        out.resize(std::ssize(block));
        a_.correlate(u_.data(), block, nullptr, out.data(), context_);
        for (Index k = 0; k < out.size(); ++k) out[k] = l2_ * x_[block[k]] - out[k];
    }
    void hessian(Columns block, Curvature which, Matrix<double>& out) override {
        out.resize(std::ssize(block), std::ssize(block));
        a_.gram(block, 0, which == Curvature::Bound ? bound_.data() : h_.data(), nullptr, out,
                context_);
        out.diagonal().array() += l2_;
    }

    double change(Columns block, const Vector& target) override {
        const Vector& step = note_trial(block, target);
        t_.setZero();
        a_.accumulate(block, step.data(), nullptr, t_.data(), context_);
        const double ridge = l2_ * square_change();
        if constexpr (Loss::quadratic) {
            return t_.dot(0.5 * t_ - u_) + ridge;
        } else {
            sum_ = z_ + t_;
            return Loss::value(a_.rows(), b_, ones_.data(), sum_.data()) - loss_ + ridge;
        }
    }
    void accept() override {
        move();
        z_ += t_;
        refresh();
    }

private:
    void refresh() {
        loss_ = Loss::derivatives(a_.rows(), b_, ones_.data(), z_.data(), u_.data(), h_.data());
        stale_ = true;
    }

    const Operator& a_;
    const double* b_;
    double l2_;
    Context context_;
    std::vector<Index> columns_;
    Vector squares_, ones_, bound_;
    Vector z_, u_, h_;  // A x, minus the loss's derivative there, its second derivative
    double loss_ = 0;
    Vector t_, sum_;  // of the last trial: A step, z_ + t_
    Vector gradient_;
    bool stale_ = true;
};

}  // namespace

std::unique_ptr<BlockProblem> make_least_squares(const Operator& a, const double* b, double l2,
                                                 Separable separable, const Context& context) {
    return std::make_unique<LinearBlocks<Squared>>(a, b, l2, std::move(separable), context);
}

std::unique_ptr<BlockProblem> make_logistic(const Operator& a, const double* b, double l2,
                                            Separable separable, const Context& context) {
    return std::make_unique<LinearBlocks<Logistic>>(a, b, l2, std::move(separable), context);
}

}  // namespace cycloid::bcd
