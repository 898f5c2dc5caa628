#include <cmath>
#include <stdexcept>
#include <vector>

#include "cycloid/core/random.hpp"
#include "cycloid/relu/published.hpp"
#include "row_copies.hpp"

namespace cycloid::relu {
namespace {

// The inner loop: descends on
//     L(F u) + penalty / 2 (|u - v + lambda|^2 + |G u - s + nu|^2)
// by gradient steps of one block at a time.
class BlockDescent {
public:
    BlockDescent(const Program& program, const Context& context, std::uint64_t seed)
        : u(Matrix::Zero(program.x.cols(), program.blocks.count())),
          products(Matrix::Zero(program.x.rows(), program.blocks.count())),
          z(Matrix::Zero(program.x.rows(), 1)),
          program_(program),
          context_(context),
          random_(seed),
          step_(static_cast<double>(program.x.rows()) / program.x.squaredNorm()) {
        const double blocks = static_cast<double>(program.blocks.count());
        recent_.resize(static_cast<std::size_t>(std::ceil(8 * std::sqrt(blocks / 2))));
    }

    // Until the mean of recent decreases falls below `least_decrease`. False if interrupted.
    bool run(const Matrix& block_target, const Matrix& row_target, double penalty,
             double least_decrease) {
        double total = 0;
        for (std::size_t k = 0;; ++k) {
            if (context_.stop()) return false;
            const auto b = static_cast<Index>(
                random_.below(static_cast<std::uint64_t>(program_.blocks.count())));
            const double decrease = descend(b, block_target, row_target, penalty);
            double& place = recent_[k % recent_.size()];
            total += decrease - (k < recent_.size() ? 0 : place);
            place = decrease;
            const auto length = static_cast<double>(recent_.size());
            if (k + 1 >= recent_.size() && total < length * least_decrease) return true;
        }
    }

    Matrix u, products, z;

private:
    double descend(Index b, const Matrix& block_target, const Matrix& row_target, double penalty) {
        constexpr double armijo = 1e-3, backtrack = 2.5, growth = 1.05, reduction = 1.5;
        constexpr int most = 40;
        const double sign = program_.blocks.direction(0, b);
        active_ = program_.patterns.active.col(program_.blocks.pattern[b]).cast<double>();
        program_.loss.gradient(z, slope_);
        const Vector block_error = u.col(b) - block_target.col(b);
        const Vector row_error = products.col(b) - row_target.col(b);
        rows_ = sign * active_.cwiseProduct(slope_.col(0)) + penalty * row_error;
        const Vector gradient = program_.x.transpose() * rows_ + penalty * block_error;
        const Vector image = program_.x * gradient;
        const double value = program_.loss.value(z);
        const double bend = 0.5 * penalty * (gradient.squaredNorm() + image.squaredNorm());
        const double tilt = penalty * (block_error.dot(gradient) + row_error.dot(image));
        double length = step_;
        const double before = step_;
        for (int k = 0; k < most; ++k, length /= backtrack, step_ /= reduction) {
            trial_ = z;
            trial_.col(0) -= length * sign * active_.cwiseProduct(image);
            const double decrease =
                value - program_.loss.value(trial_) + length * (tilt - length * bend);
            if (decrease < armijo * length * gradient.squaredNorm()) continue;
            u.col(b) -= length * gradient;
            products.col(b) -= length * image;
            z.swap(trial_);
            step_ *= growth;
            return decrease;
        }
        step_ = before;  // rounding hid the decrease: that says nothing about the step
        return 0;
    }

    const Program& program_;
    Context context_;
    Random random_;
    double step_;
    std::vector<double> recent_;
    Matrix slope_, trial_;
    Vector active_, rows_;
};

}  // namespace

Solution solve_block_descent_admm(const Program& program, const BlockDescentOptions& options,
                                  const Context& context) {
    check_published(program);
    if (program.loss.form() == Form::PiecewiseLinear) {
        throw std::invalid_argument("block descent needs a loss with derivatives");
    }
    const double n = static_cast<double>(program.x.rows());
    double penalty = options.penalty / n, dual_step = options.dual_step;
    double least_decrease = options.least_decrease / n;
    Incumbent incumbent(program, context);
    const auto stopped = [&](Index k) { return incumbent.finish(context.monitor->reason(), k); };
    BlockDescent descent(program, context, options.seed);
    RowCopies copies(program, context);
    Matrix a;
    for (Index k = 1; k <= options.max_iter; ++k) {
        if (!descent.run(copies.block_target(), copies.row_target(), penalty, least_decrease)) {
            return stopped(k);
        }
        copies.update(descent.u, descent.products, penalty, dual_step);
        if (!descent.u.allFinite()) return incumbent.finish(Status::NumericalError, k);
        program.loss.gradient(descent.z, a);
        if (!copies.offer(incumbent, a)) return stopped(k);
        const bool stop = incumbent.report(k, options.tol);
        if (incumbent.certified(options.tol)) return incumbent.finish(Status::Converged, k);
        if (stop) return stopped(k);
        least_decrease *= 0.96;
        dual_step *= 0.99;
        penalty += 1e-4 / n;
    }
    return incumbent.finish(Status::MaxIter, options.max_iter);
}

}  // namespace cycloid::relu
