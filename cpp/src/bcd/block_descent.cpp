#include "cycloid/bcd/block_descent.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace cycloid::bcd {
namespace {

double violation_of(BlockProblem& problem) {
    const Vector& gradient = problem.gradient();
    double worst = 0;
    for (Index i = 0; i < gradient.size(); ++i) {
        const double v = problem.separable().at(i).violation(gradient[i], problem.x()[i]);
        if (!(v <= worst)) worst = v;  // NaN too
    }
    return worst;
}

double objective_of(BlockProblem& problem) {
    return problem.value() + problem.separable().value(problem.x());
}

class Loop {
public:
    Loop(BlockProblem& problem, const Partition& partition, const DescentOptions& options,
         const Context& context)
        : problem_(problem),
          options_(options),
          context_(context),
          selection_(make_selection(options.rule, partition, problem, options.seed, context)),
          update_(make_update(options.update, problem, context)),
          greedy_(options.rule >= Rule::GaussSouthwell),
          // Greedy rules have the whole gradient anyhow; the others look at it once a pass, as do
          // problems that keep it, where an iteration may be much cheaper than a look at all of it.
          looks_each_time_(greedy_ && !problem.local()) {}

    Descent run() {
        start();
        for (Index i = 0; i < options_.max_iter && status_ == Status::MaxIter; ++i) iterate();
        return finish();
    }

private:
    void start() {
        const Index n = problem_.size();
        Vector x(n);
        for (Index i = 0; i < n; ++i) x[i] = problem_.separable().at(i).project(0);
        problem_.start(x);
        const double at_null = violation_of(problem_);
        found_.tolerance = std::max(options_.atol, options_.rtol * at_null);
        if (options_.start != nullptr) {
            for (Index i = 0; i < n; ++i) {
                x[i] = problem_.separable().at(i).project(options_.start[i]);
            }
            problem_.start(x);
        }
        look();
        push(0);
    }

    void iterate() {
        selection_->next(problem_, block_);
        const double slack =
            4 * std::numeric_limits<double>::epsilon() * std::fabs(found_.objective);
        bool moved = false;
        const double change = update_->apply(problem_, block_, slack, moved);
        ++found_.n_iter;
        found_.objective += change;
        seen_ += std::ssize(block_.members);
        note_progress(moved, change < -slack);
        if (looks_each_time_ || seen_ >= problem_.size()) look();
        if (status_ == Status::MaxIter && rests()) {
            look();
            if (status_ == Status::MaxIter) status_ = Status::Stalled;
        }
        const bool last = status_ != Status::MaxIter || found_.n_iter == options_.max_iter;
        if (last || static_cast<double>(found_.n_iter) >= next_row_) {
            push(std::ssize(block_.members));
        } else if (context_.stop()) {
            status_ = context_.monitor->reason();
        }
    }

    void note_progress(bool moved, bool visible) {
        unmoved_ = moved ? 0 : unmoved_ + 1;
        idle_ = visible ? 0 : idle_ + 1;
        idle_coordinates_ = visible ? 0 : idle_coordinates_ + std::ssize(block_.members);
    }
    // A greedy rule that did not move x takes the same block again. Rounding may let the objective
    // stand while the violation still falls: then `look` counts anew. Chance may come late to the
    // coordinate that matters, with unequal probabilities at any time.
    bool rests() const {
        if (greedy_) return unmoved_ >= 3 || idle_ >= 100;
        return options_.rule != Rule::Lipschitz && idle_coordinates_ >= 100 * problem_.size();
    }

    // Violation and objective, computed anew.
    void look() {
        seen_ = 0;
        found_.violation = violation_of(problem_);
        found_.objective = objective_of(problem_);
        if (!std::isfinite(found_.violation) || !std::isfinite(found_.objective)) {
            status_ = Status::NumericalError;
        } else if (found_.violation <= found_.tolerance) {
            status_ = Status::Converged;
        } else if (found_.violation < 0.9 * lowest_) {
            lowest_ = found_.violation;
            idle_ = idle_coordinates_ = 0;
        }
    }

    void push(Index block_size) {
        // Dense at first, then ever thinner: a row costs more than an iteration may.
        next_row_ = std::max(static_cast<double>(found_.n_iter) + 1, 1.001 * next_row_);
        const double seconds = context_.monitor != nullptr ? context_.monitor->seconds() : 0;
        found_.trace.push({static_cast<double>(found_.n_iter), seconds, found_.objective,
                           found_.violation, static_cast<double>(block_size)});
        if (context_.monitor == nullptr) return;
        if (context_.monitor->report(found_.trace, status_ != Status::MaxIter) &&
            status_ == Status::MaxIter) {
            status_ = context_.monitor->reason();
        }
    }

    // What is returned is computed from the returned x alone.
    Descent finish() {
        found_.x = problem_.x();
        problem_.start(found_.x);
        found_.violation = violation_of(problem_);
        found_.objective = objective_of(problem_);
        if (status_ == Status::MaxIter && found_.violation <= found_.tolerance) {
            status_ = Status::Converged;
        }
        found_.status = status_;
        return std::move(found_);
    }

    BlockProblem& problem_;
    const DescentOptions& options_;
    const Context& context_;
    std::unique_ptr<Selection> selection_;
    std::unique_ptr<Update> update_;
    bool greedy_, looks_each_time_;
    Block block_;
    Index seen_ = 0;  // coordinates updated since the last look
    Index unmoved_ = 0, idle_ = 0, idle_coordinates_ = 0;
    double next_row_ = 0, lowest_ = std::numeric_limits<double>::infinity();
    Status status_ = Status::MaxIter;
    Descent found_;
};

}  // namespace

Descent descend_blocks(BlockProblem& problem, const Partition& partition,
                       const DescentOptions& options, const Context& context) {
    return Loop(problem, partition, options, context).run();
}

}  // namespace cycloid::bcd
