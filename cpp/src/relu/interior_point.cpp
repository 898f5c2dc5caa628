#include "cycloid/relu/interior_point.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "block_subset.hpp"
#include "interior_point_loss.hpp"
#include "interior_point_start.hpp"
#include "interior_point_system.hpp"
#include "second_order_cone.hpp"

namespace cycloid::relu {
namespace {

constexpr double to_boundary = 0.99;
constexpr int most_correctors = 5;
constexpr double narrowest = 0.1, widest = 10;  // products that correctors leave alone, in mu

// What complementarity products are to become, less what they are.
struct Targets {
    ConeVectors cones;  // in the scaled space
    Matrix rows;        // of cone values and multipliers, n x B
    BoundPair bounds;
};

struct Direction {
    ConeVectors x, y;  // (t_b, v_b), and (alpha, q_b)
    Matrix values, multipliers;
    Matrix slopes;
    BoundPair bounds;
    RowVector c;
};

class InteriorPoint {
public:
    InteriorPoint(const Program& program, const InteriorPointOptions& options,
                  const Context& context, const Matrix& signs, const Matrix& central)
        : program_(program),
          options_(options),
          context_(context),
          signs_(signs(Eigen::all, program.blocks.pattern)),
          margins_(generator_margins(program, context)),
          pair_(program.loss),
          system_(program, context) {
        start(central);
    }

    Solution run() {
        certify();
        while (!finished()) {
            if (!iterate()) {
                if (!stopped() && system_.avoid_weights()) continue;
                solution_.status = stopped() ? context_.monitor->reason() : Status::Stalled;
                break;
            }
            ++solution_.n_iter;
            certify();
        }
        return std::move(solution_);
    }

private:
    void start(const Matrix& central);
    bool iterate();
    void certify();
    bool finished();

    bool stopped() const { return context_.monitor != nullptr && context_.monitor->stopped(); }
    double complementarity() const {
        const double rows = program_.gated ? 0 : values_.cwiseProduct(multipliers_).sum();
        return x_.dot(y_) + rows + pair_.complementarity();
    }
    double degree() const {
        const auto blocks = static_cast<double>(program_.blocks.count());
        const double rows = program_.gated ? 0 : double(program_.x.rows());
        return blocks * (1 + rows) + static_cast<double>(pair_.pairs());
    }
    void dual_tails(const Matrix& slopes, const Matrix& multipliers, Matrix& out) const;
    void predictions_now(Matrix& z) const;
    void direction_for(const Targets& targets, Direction& out) const;
    double largest_step(const Direction& direction) const;
    Targets centring(double mu) const;
    void add_second_order(const Direction& direction, Targets& targets) const;
    void recentre(const Direction& direction, double step, double mu, Targets& targets) const;
    double correct(double mu, Targets& targets, Direction& direction) const;
    void move(double step, const Direction& direction);

    const Program& program_;
    const InteriorPointOptions& options_;
    const Context& context_;
    Matrix signs_;    // n x B
    Matrix margins_;  // of the generators
    LossPair pair_;
    KktSystem system_;
    NesterovToddScaling scaling_;
    ConeVectors x_, y_;
    Matrix values_, multipliers_;  // of the cones' rows: (2 D - I) X v, mu
    RowVector c_;
    Solution solution_;
};

// X' (D_b A g_b - E_b mu_b)
void InteriorPoint::dual_tails(const Matrix& slopes, const Matrix& multipliers, Matrix& out) const {
    Matrix rows;
    spread(program_, slopes, context_, rows);
    if (!program_.gated) rows -= signs_.cwiseProduct(multipliers);
    multiply_transposed(program_, rows, context_, out);
}

void InteriorPoint::predictions_now(Matrix& z) const {
    Matrix products;
    multiply(program_, x_.tail, context_, products);
    predictions(program_, products, c_, context_, z);
}

void InteriorPoint::start(const Matrix& central) {
    const Index n = program_.x.rows(), outputs = program_.loss.outputs();
    Matrix z = Matrix::Zero(n, outputs);
    c_ = RowVector::Zero(outputs);
    if (program_.intercept) c_ = program_.loss.best_intercept(z);
    z.rowwise() += c_;
    pair_.start(z);
    const double height = program_.loss.value(z);
    // Half of the room under alpha for the slopes, half for the cones' multipliers.
    Matrix tails;
    const Matrix none = Matrix::Zero(n, program_.gated ? 0 : program_.blocks.count());
    dual_tails(pair_.slopes(), none, tails);
    const double norm = tails.colwise().norm().maxCoeff();
    const double mu = std::max(height, 1e-8) / degree();
    pair_.shrink(norm > 0 ? std::min(1.0, 0.3 * program_.alpha / norm) : 1.0, mu);

    x_.tail = central(Eigen::all, program_.blocks.pattern) * (mu / program_.alpha);
    x_.head.resize(program_.blocks.count());
    const double scale = mu / program_.alpha;
    for (Index b = 0; b < x_.count(); ++b) {
        const double squared = x_.tail.col(b).squaredNorm() / (scale * scale);
        x_.head[b] = scale * (0.5 + std::sqrt(0.25 + squared));
    }
    y_.head.setConstant(x_.count(), program_.alpha);
    if (!program_.gated) {
        Matrix products;
        multiply(program_, x_.tail, context_, products);
        values_ = signs_.cwiseProduct(products);
        values_ = (signs_.array() == 0).select(scale, values_);
        multipliers_ = mu * values_.cwiseInverse();
        // The centre's multipliers leave alpha some room; where slopes need it too, they get less.
        dual_tails(Matrix::Zero(n, outputs), multipliers_, tails);
        for (Index b = 0; b < x_.count(); ++b) {
            const double size = tails.col(b).norm();
            if (size > 0.6 * program_.alpha) multipliers_.col(b) *= 0.6 * program_.alpha / size;
        }
    }
    dual_tails(pair_.slopes(), multipliers_, y_.tail);
}

void InteriorPoint::certify() {
    Point point{x_.tail, c_, pair_.slopes(), program_.gated ? Matrix() : multipliers_};
    Matrix products;
    multiply(program_, point.v, context_, products);
    lift(program_, margins_, point.v, products, context_);
    const double value = objective(program_, point.v, point.c, products, context_);
    const double bound = make_feasible(program_, point.dual, point.cone_multipliers, context_);
    const bool first = solution_.trace.rows() == 0;
    if (first || value < solution_.objective) {
        solution_.objective = value;
        solution_.point.v = std::move(point.v);
        solution_.point.c = point.c;
    }
    if (first || bound > solution_.lower_bound) {
        solution_.lower_bound = bound;
        solution_.point.dual = std::move(point.dual);
        solution_.point.cone_multipliers = std::move(point.cone_multipliers);
    }
    const double seconds = context_.monitor != nullptr ? context_.monitor->seconds() : 0;
    solution_.trace.push({static_cast<double>(solution_.n_iter), seconds, solution_.objective,
                          solution_.lower_bound});
}

bool InteriorPoint::finished() {
    const double gap = solution_.objective - solution_.lower_bound;
    if (gap <= options_.tol * std::fabs(solution_.objective)) {
        solution_.status = Status::Converged;
        return true;
    }
    if (context_.monitor != nullptr && context_.monitor->report(solution_.trace, false)) {
        solution_.status = context_.monitor->reason();
        return true;
    }
    solution_.status = Status::MaxIter;
    return solution_.n_iter >= options_.max_iter;
}

Targets InteriorPoint::centring(double mu) const {
    Targets targets;
    cone_product(scaling_.lambda(), scaling_.lambda(), targets.cones);
    targets.cones.head = mu - targets.cones.head.array();
    targets.cones.tail = -targets.cones.tail;
    if (!program_.gated) targets.rows = mu - values_.array() * multipliers_.array();
    pair_.centre(mu, targets.bounds);
    return targets;
}

void InteriorPoint::direction_for(const Targets& targets, Direction& out) const {
    ConeVectors divided, load;
    scaling_.divide(targets.cones, divided);
    scaling_.apply_inverse(divided, load);
    Matrix p = load.tail;
    for (Index b = 0; b < p.cols(); ++b) {
        p.col(b) -= load.head[b] / scaling_.first(b) * scaling_.row(b);
    }
    Matrix products;
    if (!program_.gated) {
        const Matrix rows = (signs_.array() * targets.rows.array() / values_.array()).matrix();
        multiply_transposed(program_, rows, context_, products);
        p += products;
    }
    Matrix r;
    pair_.residual(targets.bounds, r);
    system_.solve(p, r, out.x.tail, out.slopes, out.c);

    out.x.head.resize(p.cols());
    for (Index b = 0; b < p.cols(); ++b) {
        const double along = scaling_.row(b).dot(out.x.tail.col(b));
        out.x.head[b] = (load.head[b] - along) / scaling_.first(b);
    }
    if (!program_.gated) {
        multiply(program_, out.x.tail, context_, products);
        out.values = signs_.cwiseProduct(products);
        out.multipliers =
            ((targets.rows.array() - multipliers_.array() * out.values.array()) / values_.array())
                .matrix();
    }
    out.y.head.setZero(p.cols());
    dual_tails(out.slopes, out.multipliers, out.y.tail);
    pair_.complete(targets.bounds, out.slopes, out.bounds);
}

double InteriorPoint::largest_step(const Direction& direction) const {
    double step = cone_step(x_, direction.x, 1 / to_boundary);
    step = cone_step(y_, direction.y, step);
    step = pair_.largest_step(direction.slopes, direction.bounds, step);
    if (program_.gated) return step;
    double steepest = 1 / step;
    for (Index i = 0; i < values_.size(); ++i) {
        steepest = std::max({steepest, -direction.values(i) / values_(i),
                             -direction.multipliers(i) / multipliers_(i)});
    }
    return 1 / steepest;
}

void InteriorPoint::add_second_order(const Direction& direction, Targets& targets) const {
    ConeVectors dx, dy, product;
    scaling_.apply_inverse(direction.x, dx);
    scaling_.apply(direction.y, dy);
    cone_product(dx, dy, product);
    targets.cones.add(-1, product);
    if (!program_.gated) {
        targets.rows.array() -= direction.values.array() * direction.multipliers.array();
    }
    LossPair::correct(direction.slopes, direction.bounds, targets.bounds);
}

// Adds what brings the products after that step between narrowest mu and widest mu.
void InteriorPoint::recentre(const Direction& direction, double step, double mu,
                             Targets& targets) const {
    const auto outlier = [mu](double product) {
        return std::max(std::clamp(product, narrowest * mu, widest * mu) - product, -widest * mu);
    };
    ConeVectors moved = x_, dx, dy, product;
    moved.add(step, direction.x);
    scaling_.apply_inverse(moved, dx);
    moved = y_;
    moved.add(step, direction.y);
    scaling_.apply(moved, dy);
    cone_product(dx, dy, product);
    map_eigenvalues(product, outlier);
    targets.cones.add(1, product);
    if (!program_.gated) {
        for (Index i = 0; i < values_.size(); ++i) {
            targets.rows(i) += outlier((values_(i) + step * direction.values(i)) *
                                       (multipliers_(i) + step * direction.multipliers(i)));
        }
    }
    pair_.recentre(step, direction.slopes, direction.bounds, outlier, targets.bounds);
}

// Repeated centrality corrections of a direction, while they lengthen the step. Returns it.
double InteriorPoint::correct(double mu, Targets& targets, Direction& direction) const {
    double step = std::min(1.0, to_boundary * largest_step(direction));
    Direction trial;
    for (int k = 0; k < most_correctors && step < 0.95 && !context_.stop(); ++k) {
        const double aim = std::min(1.0, 1.5 * step + 0.1);
        Targets corrected = targets;
        recentre(direction, aim, mu, corrected);
        direction_for(corrected, trial);
        const double longer = std::min(1.0, to_boundary * largest_step(trial));
        if (!(longer > step + 0.1 * (aim - step))) break;
        step = longer;
        std::swap(direction, trial);
        std::swap(targets, corrected);
    }
    return step;
}

void InteriorPoint::move(double step, const Direction& direction) {
    x_.add(step, direction.x);
    c_ += step * direction.c;
    if (!program_.gated) {
        values_ += step * direction.values;
        multipliers_ += step * direction.multipliers;
    }
    pair_.move(step, direction.slopes, direction.bounds);
    dual_tails(pair_.slopes(), multipliers_, y_.tail);
}

bool InteriorPoint::iterate() {
    Matrix z;
    predictions_now(z);
    pair_.linearize(z);
    scaling_.update(x_, y_);
    if (!system_.factor({x_, values_, multipliers_, scaling_}, pair_)) return false;

    const double mu = complementarity() / degree();
    Targets targets = centring(0);
    Direction direction;
    direction_for(targets, direction);
    const double reach = std::min(1.0, largest_step(direction));
    const double sigma = std::pow(1 - reach, 3);
    targets = centring(sigma * mu);
    add_second_order(direction, targets);
    direction_for(targets, direction);
    const double step = correct(sigma * mu, targets, direction);
    if (!(step > 1e-8) || !direction.x.tail.allFinite() || !direction.slopes.allFinite()) {
        return false;
    }
    move(step, direction);
    return true;
}

// A constant model, where there are no blocks.
Solution constant_model(const Program& program, const InteriorPointOptions& options,
                        const Context& context) {
    Solution solution;
    Matrix z = Matrix::Zero(program.x.rows(), program.loss.outputs());
    Point& point = solution.point;
    point.v.resize(program.x.cols(), 0);
    point.c = RowVector::Zero(z.cols());
    if (program.intercept) point.c = program.loss.best_intercept(z);
    z.rowwise() += point.c;
    solution.objective = program.loss.value(z);
    program.loss.gradient(z, point.dual);
    point.cone_multipliers.resize(program.x.rows(), 0);
    solution.lower_bound = make_feasible(program, point.dual, point.cone_multipliers, context);
    const double gap = solution.objective - solution.lower_bound;
    solution.status =
        gap <= options.tol * std::fabs(solution.objective) ? Status::Converged : Status::Stalled;
    return solution;
}

}  // namespace

Solution solve_interior_point(const Program& program, const InteriorPointOptions& options,
                              const Context& context) {
    // Zero where a row bounds nothing.
    Matrix signs = Matrix::Zero(program.x.rows(), program.patterns.count());
    for (Index k = 0; k < signs.rows() && !program.gated; ++k) {
        if (program.x.row(k).norm() == 0) continue;
        signs.row(k) = program.patterns.active.row(k).cast<double>().array() * 2.0 - 1.0;
    }
    const Matrix central = central_weights(program, signs, context);
    std::vector<Index> kept;
    for (Index b = 0; b < program.blocks.count(); ++b) {
        if (central.col(program.blocks.pattern[b]).allFinite()) kept.push_back(b);
    }
    const BlockSubset subset(program, kept);
    const Program part = subset.program();
    Solution solution = kept.empty() ? constant_model(part, options, context)
                                     : InteriorPoint(part, options, context, signs, central).run();
    if (std::ssize(kept) == program.blocks.count()) return solution;
    subset.embed(solution, {}, context);
    const double gap = solution.objective - solution.lower_bound;
    if (solution.status == Status::Converged &&
        !(gap <= options.tol * std::fabs(solution.objective))) {
        solution.status = Status::Stalled;
    }
    return solution;
}

}  // namespace cycloid::relu
