#include "cycloid/relu/admm.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "incumbent.hpp"
#include "least_squares_step.hpp"

namespace cycloid::relu {
namespace {

// How far one copy is from what it copies, and how fast it moves; relative to their sizes.
struct Residual {
    double primal = 0, dual = 0, size = 0, price = 0;

    // sqrt of the ratio by which the penalty should grow.
    double imbalance() const {
        const double r = primal / std::max(size, 1e-300), s = dual / std::max(price, 1e-300);
        return r > 0 && s > 0 ? std::sqrt(r / s) : 1;
    }
};

// Scaled multipliers have the sign that makes `copy - image` small: u += image - copy.
class Admm {
public:
    Admm(const Program& program, const AdmmOptions& options, const Context& context)
        : program_(program),
          options_(options),
          context_(context),
          step_(program, context),
          incumbent_(program, context) {
        const Index n = program.x.rows(), blocks = program.blocks.count();
        const Index outputs = program.blocks.direction.rows();
        z_ = Matrix::Zero(n, outputs);
        price_z_ = z_;
        w_ = Matrix::Zero(program.x.cols(), blocks);
        price_w_ = w_;
        if (!program.gated) state_ = Matrix::Zero(n, blocks);
        c_ = RowVector::Zero(outputs);
        start_penalties();
    }

    void start_from(const Point& warm);
    Solution run();

private:
    void start_penalties();
    void iterate();
    void update_loss_copy();
    void update_block_copy();
    void update_cone_copy();
    void right_side();
    void certify();
    bool adapt();
    Matrix cone_multipliers() const;

    const Program& program_;
    const AdmmOptions& options_;
    Context context_;
    LeastSquaresStep step_;
    Incumbent incumbent_;
    Penalties penalties_;
    // Z and w with their scaled multipliers. The cones' copy s >= 0 and its multiplier u <= 0 are
    // never both non-zero: `state_` is s + u.
    Matrix z_, price_z_, w_, price_w_, state_;
    Matrix v_, products_, image_, right_, rows_, back_, target_;
    RowVector c_;
    Residual loss_residual_, block_residual_, cone_residual_;
    Index adapted_ = 0, changes_ = 0;
};

// Loss: a slope of 1 / n belongs to a change of 1 in a prediction. Cones: products of unit size
// (the columns of X set the scale) meet multipliers of size alpha / |X|; blocks likewise.
void Admm::start_penalties() {
    const double n = static_cast<double>(program_.x.rows());
    const double energy = program_.x.squaredNorm() / static_cast<double>(program_.x.cols());
    penalties_.loss = options_.penalties.loss / n;
    penalties_.cone = options_.penalties.cone / n;
    penalties_.block = options_.penalties.block * energy / n;
    if (program_.gated) penalties_.cone = 0;
}

void Admm::start_from(const Point& warm) {
    w_ = warm.v;
    multiply(program_, w_, context_, products_);
    predictions(program_, products_, warm.c, context_, z_);
    c_ = warm.c;
    if (warm.dual.size() == 0) {
        if (!program_.gated) {
            signed_rows(program_, products_, context_, state_);
            state_ = state_.cwiseMax(0.0).eval();
        }
        return;
    }
    price_z_ = warm.dual / penalties_.loss;
    spread(program_, warm.dual, context_, rows_);
    if (!program_.gated) {
        signed_rows(program_, products_, context_, state_);
        state_ = state_.cwiseMax(0.0).eval();
        if (warm.cone_multipliers.size() > 0) {
            state_ -= warm.cone_multipliers / penalties_.cone;
            Matrix cones;
            signed_rows(program_, warm.cone_multipliers, context_, cones);
            rows_ -= cones;
        }
    }
    multiply_transposed(program_, rows_, context_, price_w_);
    price_w_ /= -penalties_.block;
}

void Admm::right_side() {
    right_ = penalties_.block * (w_ - price_w_);
    if (program_.gated) return;
    // s - u = |s + u|
    const Index n = state_.rows();
    rows_.resize(n, state_.cols());
    parallel_for(context_.team(double(state_.size())), state_.cols(), [&](Index b) {
        const auto* active = program_.patterns.active.col(program_.blocks.pattern[b]).data();
        const double* from = state_.col(b).data();
        double* to = rows_.col(b).data();
#pragma omp simd
        for (Index k = 0; k < n; ++k) {
            const double size = std::fabs(from[k]);
            to[k] = active[k] != 0 ? size : -size;
        }
    });
    multiply_transposed(program_, rows_, context_, back_);
    right_ += penalties_.cone * back_;
}

void Admm::update_loss_copy() {
    predictions(program_, products_, c_, context_, image_);
    const Matrix old = z_;
    z_ = options_.relaxation * image_ + (1 - options_.relaxation) * z_ + price_z_;
    price_z_ = z_;
    program_.loss.prox(1 / penalties_.loss, z_);
    price_z_ -= z_;
    loss_residual_ = {(image_ - z_).norm(), (z_ - old).norm(), std::max(image_.norm(), z_.norm()),
                      price_z_.norm()};
}

void Admm::update_block_copy() {
    const double threshold = program_.alpha / penalties_.block;
    const Matrix old = w_;
    w_ = options_.relaxation * v_ + (1 - options_.relaxation) * w_ + price_w_;
    price_w_ = w_;
    for (Index b = 0; b < w_.cols(); ++b) {
        const double norm = w_.col(b).norm();
        w_.col(b) *= norm > threshold ? 1 - threshold / norm : 0;
    }
    price_w_ -= w_;
    block_residual_ = {(v_ - w_).norm(), (w_ - old).norm(), std::max(v_.norm(), w_.norm()),
                       price_w_.norm()};
}

void Admm::update_cone_copy() {
    if (program_.gated) return;
    const Index n = state_.rows();
    const double relax = options_.relaxation;
    Matrix sums(4, state_.cols());
    parallel_for(context_.team(double(state_.size())), state_.cols(), [&](Index b) {
        const auto* active = program_.patterns.active.col(program_.blocks.pattern[b]).data();
        const double* product = products_.col(b).data();
        double* state = state_.col(b).data();
        double primal = 0, dual = 0, size = 0, price = 0;
#pragma omp simd reduction(+ : primal, dual, size, price)
        for (Index k = 0; k < n; ++k) {
            const double value = active[k] != 0 ? product[k] : -product[k];
            const double old = std::max(state[k], 0.0), u = std::min(state[k], 0.0);
            const double next = relax * value + (1 - relax) * old + u;
            const double s = std::max(next, 0.0);
            state[k] = next;
            primal += (value - s) * (value - s);
            dual += (s - old) * (s - old);
            size += s * s;
            price += (next - s) * (next - s);
        }
        sums.col(b) << primal, dual, size, price;
    });
    const Vector root = sums.rowwise().sum().cwiseSqrt();
    cone_residual_ = {root[0], root[1], root[2], root[3]};
}

void Admm::iterate() {
    right_side();
    target_ = z_ - price_z_;
    step_.solve(right_, target_, v_, products_, c_);
    update_loss_copy();
    update_block_copy();
    update_cone_copy();
}

Matrix Admm::cone_multipliers() const {
    if (program_.gated) return {};
    return (-penalties_.cone * state_).cwiseMax(0.0);
}

void Admm::certify() {
    incumbent_.offer_primal(w_);
    incumbent_.offer_dual(penalties_.loss * price_z_, cone_multipliers());
}

// Each penalty by the imbalance of its copy, in steps that grow rarer: convergence needs penalties
// that come to rest.
bool Admm::adapt() {
    constexpr double least_change = 2, most_change = 10;
    const auto ratio = [&](const Residual& residual) {
        const double wish = std::clamp(residual.imbalance(), 1 / most_change, most_change);
        return wish > least_change || wish < 1 / least_change ? wish : 1.0;
    };
    const double loss = ratio(loss_residual_), block = ratio(block_residual_);
    const double cone = program_.gated ? 1.0 : ratio(cone_residual_);
    if (loss == 1 && block == 1 && cone == 1) return true;
    penalties_.loss *= loss;
    penalties_.block *= block;
    penalties_.cone *= cone;
    price_z_ /= loss;
    price_w_ /= block;
    if (cone != 1) state_ = (state_.cwiseMax(0.0) + state_.cwiseMin(0.0) / cone).eval();
    ++changes_;
    return step_.factor(penalties_);
}

Solution Admm::run() {
    if (!step_.factor(penalties_)) return incumbent_.finish(context_.monitor->reason(), 0);
    Index next_change = 10;
    for (Index k = 1; k <= options_.max_iter; ++k) {
        iterate();
        if (!v_.allFinite()) return incumbent_.finish(Status::NumericalError, k);
        if (k % options_.check_interval == 0 || k == options_.max_iter) {
            certify();
            const bool stop = incumbent_.report(k, options_.tol);
            if (incumbent_.certified(options_.tol)) return incumbent_.finish(Status::Converged, k);
            if (stop) return incumbent_.finish(context_.monitor->reason(), k);
        }
        if (context_.stop()) return incumbent_.finish(context_.monitor->reason(), k);
        if (options_.adaptive && k == next_change) {
            next_change += next_change;
            if (!adapt()) return incumbent_.finish(context_.monitor->reason(), k);
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
