#include "cycloid/relu/train.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "block_pool.hpp"
#include "cycloid/core/random.hpp"
#include "cycloid/relu/normal.hpp"
#include "cycloid/relu/solve.hpp"

namespace cycloid::relu {
namespace {

constexpr Index race = 100;           // iterations that every restart gets
constexpr Index most_idle = 1;        // solves on end that a block may be inactive in
constexpr Index most_added = 10;      // candidates that become neurons where no program is solved
constexpr double worth_moving = 0.1;  // of the gap: a local search's gain
constexpr double most_tail = 0.05;    // of all blocks' norms, that may be cut off
constexpr Index most_new = 60;        // candidates a round
constexpr double negligible = 1e-7;   // relative progress of a round that counts as none
constexpr double rounding = 1e-12;    // relative difference of two objectives that means nothing

class Trainer {
public:
    Trainer(const MatrixView& x, const Loss& loss, double alpha, const TrainOptions& options,
            Monitor& monitor)
        : x_(x),
          loss_(loss),
          alpha_(alpha),
          options_(options),
          monitor_(monitor),
          context_{options.n_threads, &monitor},
          objective_(x, loss, alpha, options.intercept),
          pool_(x.cols(), loss.outputs()) {}

    TrainResult run() {
        if (options_.mode == TrainMode::All) enumerate();
        out_.network = {Matrix(x_.cols(), 0), Matrix(loss_.outputs(), 0),
                        RowVector::Zero(loss_.outputs())};
        fit_intercept(out_.network);
        out_.objective = objective_.value(out_.network, context_);
        if (options_.start != nullptr) accept(*options_.start);
        if (options_.mode == TrainMode::Random) {
            sample();
        } else {
            restart();
            refine();
        }
        return finish();
    }

private:
    // ------------------------------------------------------------------ the network
    void fit_intercept(Network& network) const {
        if (!options_.intercept) return;
        network.c.setZero();
        network.c = loss_.best_intercept(predict(x_, network, context_));
    }

    // Whether it is better than the best so far, which it then becomes.
    bool accept(Network network) {
        network = balanced(network);
        const double value = objective_.value(network, context_);
        if (!(value < out_.objective * (1 - rounding))) return false;
        out_.objective = value;
        out_.network = std::move(network);
        return true;
    }

    // A short search from every start, a full one from the better half.
    void restart() {
        std::vector<LocalMinimum> found;
        const double half = monitor_.time_limit() / 2;  // the rest is for the rounds
        for (Index r = 0; r < options_.n_restarts && !context_.stop(); ++r) {
            if (r > 0 && monitor_.seconds() > half) break;
            const auto seed = Random(options_.seed).at(static_cast<std::uint64_t>(r));
            Network start = random_network(x_.cols(), loss_.outputs(), options_.n_neurons, seed);
            fit_intercept(start);
            LocalOptions local;
            local.max_iter = race;
            found.push_back(local_search(objective_, std::move(start), local, context_));
            accept(found.back().network);
            if (report(0)) return;
        }
        std::sort(found.begin(), found.end(),
                  [](const auto& a, const auto& b) { return a.value < b.value; });
        found.resize((found.size() + 1) / 2);
        for (LocalMinimum& one : found) {
            if (context_.stop() || monitor_.seconds() > half) return;
            accept(local_search(objective_, std::move(one.network), {}, context_).network);
            if (report(0)) return;
        }
    }

    // ------------------------------------------------------------------ the convex program
    bool affordable(Index blocks) const {
        const double n = double(x_.rows()), outputs = double(loss_.outputs());
        return 1000 * n * (double(x_.cols()) * double(blocks) + outputs) <= options_.most_work;
    }

    // Solves the program of the pool's blocks from their values; the network of the solution.
    Network polish(double tol) {
        const Program program{
            x_, loss_, pool_.patterns(), pool_.blocks(), alpha_, options_.intercept};
        SolveOptions solve;
        solve.tol = tol;
        const Solution found = solve_program(program, solve, nullptr, context_);
        ++out_.n_programs;
        out_.program_gap = found.objective - found.lower_bound;
        out_.n_patterns = pool_.patterns().count();
        out_.n_blocks = pool_.count();
        dual_ = found.point.dual;
        // Blocks that are worth less than the gap may be zero at the optimum: the local search that
        // follows is better off without them.
        const double total = found.point.v.colwise().norm().sum();
        const double tail = std::min(out_.program_gap / alpha_, most_tail * total);
        Point trimmed = found.point;
        const std::vector<Index> active = pool_.keep_active(found.point.v, tail, most_idle);
        trimmed.v.setZero();
        trimmed.v(Eigen::all, active) = found.point.v(Eigen::all, active);
        accept(recover(program, found.point));
        return recover(program, trimmed);
    }

    // ------------------------------------------------------------------ bounds and pricing
    void enumerate() {
        if (loss_.outputs() > 1) {
            throw std::invalid_argument("all patterns give a bound for one output only");
        }
        const double count = pattern_count(x_);
        if (count > most_patterns) {
            throw std::length_error("X has up to " + std::to_string(count) +
                                    " activation patterns, more than can be enumerated");
        }
        cells_ = all_patterns(x_, context_);
    }

    // A dual point from the network alone: the derivative of the loss.
    void take_gradient() {
        loss_.gradient(predict(x_, out_.network, context_), dual_);
        loss_.to_domain(dual_, options_.intercept);
    }

    double dual_value(double b) const {
        return -loss_.conjugate(dual_ / std::max(1.0, b / alpha_));
    }

    Matrix starts(Index round) const {
        // Ascent from a start costs some 100 n d.
        const double entries = double(x_.rows()) * double(x_.cols());
        const auto some = static_cast<Index>(std::clamp(2e7 / entries, 12.0, 600.0));
        const auto seed = Random(options_.seed + 1).at(static_cast<std::uint64_t>(round));
        const Matrix between = sample_points(x_, PatternSource::Differences, some, seed);
        const Matrix anywhere = sample_points(x_, PatternSource::Gaussian, some, seed);
        Matrix all(x_.cols(), out_.network.u.cols() + pool_.count() + 3 * some);
        all << out_.network.u, pool_.points(), between, -between, anywhere;
        return all;
    }

    Candidates find_candidates(Index round) {
        PricingOptions pricing;
        pricing.most = most_new;
        pricing.above = alpha_ * (1 + 1e-9);
        const bool exact = options_.mode == TrainMode::All;
        Candidates found = exact ? price_cells(x_, dual_, cells_, pricing, context_)
                                 : price(x_, dual_, starts(round), pricing, context_);
        if (context_.stop()) return found;
        const double lower = dual_value(found.bound);
        if (lower > out_.lower_bound) {
            out_.lower_bound = lower;
            out_.bound_is_rigorous = found.rigorous;
        }
        const double certain =
            found.rigorous ? lower : dual_value(price_bound(x_, dual_, context_));
        out_.rigorous_bound = std::max(out_.rigorous_bound, certain);
        return found;
    }

    // ------------------------------------------------------------------ the rounds
    double gap() const { return out_.objective - out_.lower_bound; }
    double scale() const { return std::max(std::abs(out_.objective), 1e-300); }

    void refine() {
        take_gradient();
        Index idle = 0;
        for (Index round = 1; round <= options_.max_rounds && !context_.stop(); ++round) {
            const double before = out_.objective, lower_before = out_.lower_bound;
            const Candidates found = find_candidates(round);
            if (context_.stop()) return;
            out_.n_rounds = round;
            const bool stop = report(round, found.u.cols(), found.bound / alpha_ - 1);
            if (gap() <= options_.tol * scale()) out_.status = Status::Converged;
            if (stop || out_.status == Status::Converged) return;
            improve(found);
            const bool lower_rose = out_.lower_bound > lower_before + negligible * scale();
            const bool moved = before - out_.objective > negligible * scale() || lower_rose;
            idle = moved ? 0 : idle + 1;
            if (idle > 3) {
                out_.status = Status::Stalled;
                return;
            }
        }
    }

    void improve(const Candidates& found) {
        if (pool_.count() == 0) pool_.add(out_.network);
        pool_.add(found.generator, found.direction);
        pool_.build(x_, context_);
        const double relative = std::min(gap() / scale(), 1.0);
        if (affordable(pool_.count())) {
            Network network = polish(std::min(1e-4, std::max(0.05 * relative, 0.1 * options_.tol)));
            search_from(std::move(network));
        } else {
            pool_.keep_active(pool_.v(), 0, 0);  // a place to start pricing from, no more
            search_from(with_candidates(found));
            take_gradient();
        }
    }

    // Where it pays that neurons leave their blocks, the next program starts from the neurons.
    void search_from(Network network) {
        if (context_.stop()) return;
        fit_intercept(network);
        accept(network);
        const double before = out_.objective;
        accept(local_search(objective_, std::move(network), {}, context_).network);
        if (before - out_.objective > worth_moving * gap()) pool_.clear();
    }

    // The best network and the best candidates, as large as still lowers the objective.
    Network with_candidates(const Candidates& found) const {
        const Network& best = out_.network;
        Network more = best;
        const Index before = best.u.cols(), added = std::min(most_added, found.u.cols());
        more.u.conservativeResize(Eigen::NoChange, before + added);
        more.a.conservativeResize(Eigen::NoChange, before + added);
        double size = 0.1;  // of |u| and |a|
        for (int k = 0; k < 20; ++k, size /= 2) {
            more.u.rightCols(added) = size * found.u.leftCols(added);
            more.a.rightCols(added) = size * found.direction.leftCols(added);
            if (objective_.value(more, context_) < out_.objective) break;
        }
        return more;
    }

    // ------------------------------------------------------------------ as published
    void sample() {
        const Patterns patterns = sample_patterns(x_, PatternSource::Gaussian, options_.n_patterns,
                                                  options_.seed, context_);
        for (Index k = 0; k < loss_.outputs(); ++k) {
            for (const double sign : {1.0, -1.0}) {
                Matrix direction = Matrix::Zero(loss_.outputs(), patterns.count());
                direction.row(k).setConstant(sign);
                pool_.add(patterns.generators, direction);
            }
        }
        pool_.build(x_, context_);
        take_gradient();
        polish(0.1 * options_.tol);
        if (context_.stop()) return;
        find_candidates(1);
        out_.n_rounds = 1;
        // What was asked for is the sampled program.
        if (out_.program_gap <= options_.tol * scale()) out_.status = Status::Converged;
        report(1);
    }

    // ------------------------------------------------------------------ the end
    bool report(Index round, Index n_new = 0, double violation = 0) {
        out_.trace.push({double(round), monitor_.seconds(), out_.objective, out_.lower_bound,
                         double(out_.network.u.cols()), double(pool_.count()), double(n_new),
                         violation});
        return monitor_.report(out_.trace, round == 0 || out_.status != Status::MaxIter);
    }

    TrainResult finish() {
        if (monitor_.stopped()) out_.status = monitor_.reason();
        if (monitor_.interrupted()) return std::move(out_);
        Monitor afterwards = monitor_.afterwards();
        const Context context{options_.n_threads, &afterwards};
        Network few = pruned(x_, out_.network, context);
        const double value = objective_.value(few, context);
        if (value <= out_.objective * (1 + rounding)) {
            out_.objective = value;
            out_.network = std::move(few);
        }
        return std::move(out_);
    }

    const MatrixView& x_;
    const Loss& loss_;
    double alpha_;
    const TrainOptions& options_;
    Monitor& monitor_;
    Context context_;
    NetworkObjective objective_;
    BlockPool pool_;
    Patterns cells_;
    Matrix dual_;
    TrainResult out_;
};

}  // namespace

TrainResult train(const MatrixView& x, const Loss& loss, double alpha, const TrainOptions& options,
                  Monitor& monitor) {
    return Trainer(x, loss, alpha, options, monitor).run();
}

}  // namespace cycloid::relu
