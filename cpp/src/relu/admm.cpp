#include "cycloid/relu/admm.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "incumbent.hpp"
#include "least_squares_step.hpp"

namespace cycloid::relu {
namespace {

// How far a copy is from what it copies, and how fast it moves; with their sizes.
struct Residual {
    double primal = 0, dual = 0, size = 0, price = 0;

    // sqrt of the ratio by which the penalty should grow.
    double imbalance() const {
        const double r = primal / std::max(size, 1e-300), s = dual / std::max(price, 1e-300);
        return r > 0 && s > 0 ? std::sqrt(r / s) : 1;
    }
};

// With a loss that is linear between kinks the iterates go round the solution, and so their mean is
// much nearer to it: the method starts afresh from there now and then (Applegate et al., "Faster
// first-order primal-dual methods for linear programming using restarts and sharpness", 2023).
struct Mean {
    Matrix z, price_z, w, price_w;
    Index count = 0;

    void add(const Matrix& z_now, const Matrix& price_z_now, const Matrix& w_now,
             const Matrix& price_w_now) {
        const double share = 1 / static_cast<double>(++count);
        if (count == 1) {
            z = z_now, price_z = price_z_now, w = w_now, price_w = price_w_now;
            return;
        }
        z += share * (z_now - z);
        price_z += share * (price_z_now - price_z);
        w += share * (w_now - w);
        price_w += share * (price_w_now - price_w);
    }
};

// Multipliers are scaled: price += image - copy.
class Admm {
public:
    Admm(const Program& program, const AdmmOptions& options, const Context& context)
        : program_(program),
          options_(options),
          context_(context),
          step_(program, context),
          incumbent_(program, context),
          cones_(program, context) {
        const Index n = program.x.rows(), outputs = program.blocks.direction.rows();
        z_ = Matrix::Zero(n, outputs);
        price_z_ = z_;
        w_ = Matrix::Zero(program.x.cols(), program.blocks.count());
        price_w_ = w_;
        c_ = RowVector::Zero(outputs);
        start_penalties();
        averaging_ = program.loss.form() == Form::PiecewiseLinear;
    }

    void start_from(const Point& warm);
    Solution run();

private:
    void start_penalties();
    bool iterate();
    void update_loss_copy();
    bool update_block_copy();
    bool adapt();
    bool certify();
    void restart(Index k);

    const Program& program_;
    const AdmmOptions& options_;
    Context context_;
    LeastSquaresStep step_;
    Incumbent incumbent_;
    Cones cones_;
    Penalties penalties_;
    bool whole_loss_ = false;  // squared: part of the least-squares step, no copy Z
    Matrix z_, price_z_, w_, price_w_, v_, target_, fit_;
    RowVector c_;
    Residual loss_residual_, block_residual_;
    Mean mean_;
    bool averaging_ = false;
    double gap_at_restart_ = INFINITY;
};

// Loss: a slope of 1 / n belongs to a change of 1 in a prediction. Blocks: one of alpha belongs to
// a change that moves the predictions by 1.
void Admm::start_penalties() {
    const double n = static_cast<double>(program_.x.rows());
    const double energy = program_.x.squaredNorm() / static_cast<double>(program_.x.cols());
    const Vector& weights = program_.loss.weights();
    whole_loss_ =
        program_.loss.kind() == LossKind::Squared && weights.minCoeff() == weights.maxCoeff();
    penalties_.loss = whole_loss_ ? weights[0] : options_.penalties.loss / n;
    penalties_.block = options_.penalties.block * program_.alpha * std::sqrt(energy / n);
}

void Admm::start_from(const Point& warm) {
    w_ = warm.v;
    Matrix products;
    multiply(program_, w_, context_, products);
    predictions(program_, products, warm.c, context_, z_);
    incumbent_.offer_primal(warm.v);
    if (warm.dual.size() == 0) return;
    incumbent_.offer_dual(warm.dual);
    price_z_ = warm.dual / penalties_.loss;
    adjoint(program_, warm.dual, context_, price_w_);
    price_w_ /= -penalties_.block;
}

void Admm::update_loss_copy() {
    if (whole_loss_) return;
    const Matrix image = target_ + fit_, old = z_;
    z_ = options_.relaxation * image + (1 - options_.relaxation) * z_ + price_z_;
    price_z_ = z_;
    program_.loss.prox(1 / penalties_.loss, z_);
    price_z_ -= z_;
    loss_residual_ = {(image - z_).norm(), (z_ - old).norm(), z_.norm(), price_z_.norm()};
}

bool Admm::update_block_copy() {
    const double threshold = program_.alpha / penalties_.block;
    const Matrix old = w_;
    price_w_ += options_.relaxation * v_ + (1 - options_.relaxation) * w_;
    w_ = price_w_;
    if (!cones_.project(w_, threshold)) return false;
    for (Index b = 0; b < w_.cols(); ++b) {
        const double norm = w_.col(b).norm();
        w_.col(b) *= norm > threshold ? 1 - threshold / norm : 0;
    }
    price_w_ -= w_;
    block_residual_ = {(v_ - w_).norm(), (w_ - old).norm(), w_.norm(), price_w_.norm()};
    return true;
}

bool Admm::iterate() {
    v_ = w_ - price_w_;
    target_ = whole_loss_ ? program_.loss.targets() : Matrix(z_ - price_z_);
    step_.solve(target_, v_, c_, fit_);
    update_loss_copy();
    return update_block_copy();
}

bool Admm::adapt() {
    constexpr double least_change = 1.5, most_change = 10;
    const auto ratio = [&](const Residual& residual) {
        const double wish = std::clamp(residual.imbalance(), 1 / most_change, most_change);
        return wish > least_change || wish < 1 / least_change ? wish : 1.0;
    };
    const double loss = whole_loss_ ? 1 : ratio(loss_residual_), block = ratio(block_residual_);
    if (loss == 1 && block == 1) return true;
    penalties_.loss *= loss;
    penalties_.block *= block;
    price_z_ /= loss;
    price_w_ /= block;
    return step_.factor(penalties_.block / penalties_.loss);
}

// True if the gap is small enough.
bool Admm::certify() {
    incumbent_.offer_primal(w_);
    incumbent_.offer_dual(whole_loss_ ? Matrix(penalties_.block * step_.b())
                                      : Matrix(penalties_.loss * price_z_));
    if (averaging_) {
        incumbent_.offer_primal(mean_.w);
        incumbent_.offer_dual(penalties_.loss * mean_.price_z);
    }
    return incumbent_.certified(options_.tol);
}

void Admm::restart(Index k) {
    constexpr double enough_progress = 0.4, longest = 0.36;
    const double gap = incumbent_.objective() - incumbent_.lower_bound();
    if (gap > enough_progress * gap_at_restart_ && double(mean_.count) < longest * double(k))
        return;
    z_ = mean_.z, price_z_ = mean_.price_z, w_ = mean_.w, price_w_ = mean_.price_w;
    mean_.count = 0;
    gap_at_restart_ = gap;
}

Solution Admm::run() {
    const auto stopped = [&](Index k) { return incumbent_.finish(context_.monitor->reason(), k); };
    if (incumbent_.certified(options_.tol)) {
        incumbent_.report(0, options_.tol);
        return incumbent_.finish(Status::Converged, 0);
    }
    if (!step_.factor(penalties_.block / penalties_.loss)) return stopped(0);
    Index next_change = 10;
    for (Index k = 1; k <= options_.max_iter; ++k) {
        if (!iterate()) return stopped(k);
        if (averaging_) mean_.add(z_, price_z_, w_, price_w_);
        if (!w_.allFinite()) return incumbent_.finish(Status::NumericalError, k);
        if (k % options_.check_interval == 0 || k == options_.max_iter) {
            const bool converged = certify();
            const bool stop = incumbent_.report(k, options_.tol);
            if (converged) return incumbent_.finish(Status::Converged, k);
            if (stop) return stopped(k);
            if (averaging_) restart(k);
        }
        if (context_.stop()) return stopped(k);
        if (options_.adaptive && k == next_change) {
            next_change += next_change;
            mean_.count = 0;
            if (!adapt()) return stopped(k);
        }
    }
    return incumbent_.finish(Status::MaxIter, options_.max_iter);
}

}  // namespace

Solution solve_admm(const Program& program, const AdmmOptions& options, const Point* warm,
                    const Context& context) {
    Admm admm(program, options, context);
    if (warm != nullptr) admm.start_from(*warm);
    return admm.run();
}

}  // namespace cycloid::relu
