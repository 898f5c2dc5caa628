// Point clouds whose plan is too large to be kept. Cells of neighbours are merged, the merged
// problem is solved, and its potentials start the next finer one. There, a pass over all pairs
// alternates with a solve for what moves between cells, on the plan summed over them: Sinkhorn's
// step settles what happens within a cell, and only what is neither is left to Anderson's mixing.
#include <Eigen/QR>
#include <algorithm>
#include <cmath>
#include <deque>

#include "cycloid/ot/cell_pass.hpp"
#include "cycloid/ot/local_problem.hpp"
#include "cycloid/ot/progress.hpp"

namespace cycloid::ot {
namespace {

using Array = Eigen::ArrayXd;

constexpr double most_coarse = 1 << 22;  // entries of the first problem
constexpr double most_kept = 1 << 23;    // entries of the plan between cells, if that will do
constexpr double most_kept_ever = 1 << 25;
constexpr double finest = 1e-5;        // points of a cell, over the entries of each in the plan
constexpr Index refinement = 4;        // ratio of the cells of two levels
constexpr double merged_error = 1e-3;  // as little as cells know of the points in them
constexpr double merged_share = 0.05;  // of a level's first error, which the next one's resembles
constexpr double least_dropped = 1e-12, most_dropped = 1e-6;  // entries over max(n, m) to leave out
constexpr double longest_step = 40;  // of a column out of reach, in units of reg
constexpr double dense_share = 0.25;
constexpr Index newton_a_round = 30, sweeps_a_round = 300;
constexpr double most_rounding = 1e3;
constexpr int most_rounds_in_vain = 20, slow_rounds = 6;
constexpr Index history = 6;

Eigen::Map<const Array> map(const std::vector<double>& values) {
    return {values.data(), static_cast<Eigen::Index>(values.size())};
}

// Anderson's mixing for x -> x + step(x), in the norm with the given weights.
class Mixing {
public:
    explicit Mixing(const Array& weights) : root_(weights.sqrt()) {}

    void clear() { steps_.clear(), points_.clear(); }

    Array next(const Array& point, const Array& step) {
        steps_.push_back(step), points_.push_back(point);
        if (std::ssize(steps_) > history + 1) steps_.pop_front(), points_.pop_front();
        const auto count = static_cast<Eigen::Index>(steps_.size()) - 1;
        if (count == 0) return point + step;
        Eigen::MatrixXd differences(step.size(), count);
        for (Eigen::Index k = 0; k < count; ++k) {
            differences.col(k) = (root_ * (steps_[k + 1] - steps_[k])).matrix();
        }
        Eigen::ColPivHouseholderQR<Eigen::MatrixXd> qr(differences.rows(), differences.cols());
        qr.setThreshold(1e-8);
        qr.compute(differences);
        const Eigen::VectorXd weights = qr.solve((root_ * step).matrix());
        Array mixed = point + step;
        for (Eigen::Index k = 0; k < count; ++k) {
            mixed -= weights[k] * (points_[k + 1] - points_[k] + steps_[k + 1] - steps_[k]);
        }
        return mixed;
    }

private:
    Array root_;
    std::deque<Array> steps_, points_;
};

double entries(const Cost& cost) {
    return static_cast<double>(cost.rows()) * static_cast<double>(cost.columns());
}

// One problem of the sequence, from given potentials to a given error.
class Level {
public:
    // Ends at the goal, or once the error is that share of the first one.
    Level(Progress& progress, double reg, double share, double enough)
        : progress_(progress),
          reg_(reg),
          enough_(enough),
          b_(map(progress.masses.b)),
          mixing_(b_),
          longest_(
              static_cast<double>(std::max(progress.masses.a.size(), progress.masses.b.size()))),
          few_(share < dense_share) {
        Index cell = 1;
        while (cell < Cells::largest &&
               share * entries(progress.cost) > most_kept * double(cell * cell))
            cell *= 2;
        rows_ = Cells(progress.cost.rows(), cell);
        columns_ = Cells(progress.cost.columns(), cell);
        point_.g.assign(progress.options.g, progress.options.g + b_.size());
    }

    Status run() {
        Point accepted;
        double lowest = std::numeric_limits<double>::infinity();
        int rounds = 0, in_vain = 0;
        for (;;) {
            if (!pass()) return progress_.context.monitor->reason();
            progress_.keep_best(point_);
            const bool stop = progress_.report(reg_, point_.error, point_.dual, point_.kept);
            if (rounds == 0) enough_ *= point_.error;
            if (point_.error <= std::max(progress_.goal(), enough_)) return Status::Converged;
            if (stop) return progress_.context.monitor->reason();
            if (!std::isfinite(point_.error)) return Status::NumericalError;
            if (progress_.exhausted()) return Status::MaxIter;
            in_vain = point_.error < 0.5 * lowest ? 0 : in_vain + 1;
            if (in_vain == 0) lowest = point_.error;
            if (in_vain > most_rounds_in_vain && point_.error < most_rounding * rounding())
                return Status::Stalled;
            if (point_.error > accepted.error && point_.dual < accepted.dual) {
                point_ = accepted;
                mixing_.clear();
                accepted = Point();
                move(sinkhorn_step());
            } else {
                accepted = point_;
                move(step());
            }
            ++progress_.out.n_iter;
            if (++rounds == 1) fit_cells(most_kept);
            if (in_vain == slow_rounds) fit_cells(most_kept_ever);
        }
    }

private:
    // The smallest cells between which the plan has not too many entries that matter.
    void fit_cells(double most) {
        if (trivial() && point_.kept <= most_kept_ever) return;
        double share = finest;
        do {
            share *= 2;
            rows_ = Cells(counts_.rows, share);
        } while (rows_.links(counts_.rows) > most && share < 1);
        columns_ = Cells(counts_.columns, share);
        mixing_.clear();
    }

    bool pass() {
        storage_ = few_ ? Storage::Sparse : Storage::Dense;
        const double goal = progress_.goal();
        // Newton steps on the plan itself go as far as what is left out stays small.
        const double enough = trivial() ? least_dropped : 0.01 * point_.error;
        const double least = std::clamp(enough, least_dropped, most_dropped) / longest_;
        cell_pass(progress_.cost, progress_.masses, reg_,
                  {rows_, columns_, storage_, least, std::max(1e-3 * goal, 1e-16), goal}, kernel_,
                  point_, counts_, progress_.context);
        few_ = point_.kept < dense_share * entries(progress_.cost);
        ++progress_.out.n_passes;
        return !progress_.context.monitor->stopped();
    }

    Array sinkhorn_step() const {
        return (b_ / map(point_.column_sums)).log().min(longest_step).max(-longest_step);
    }

    // Sinkhorn's step within cells, between cells that of their own problem.
    Array step() {
        const Masses cells{rows_.sums(progress_.masses.a), columns_.sums(progress_.masses.b)};
        Point between = point_;
        between.column_sums = columns_.sums(point_.column_sums);
        LocalProblem local(kernel_, cells, between, progress_.context);
        Effort effort;
        const double target =
            std::max(0.3 * progress_.goal(), (trivial() ? 1e-4 : 0.03) * local.error());
        if (storage_ == Storage::Sparse) {
            local.newton(target, newton_a_round, newton_, effort);
        } else {
            local.scale(target, sweeps_a_round, relaxation_, effort);
            if (local.error() > target) local.newton(target, newton_a_round, newton_, effort);
        }
        progress_.n_newton += effort.newton;
        progress_.n_cg += effort.cg;
        Array z = local.step();
        if (columns_.trivial()) return z;
        const Array sums = map(between.column_sums), masses = map(cells.b);
        const Array beyond = z - (masses / sums).log().min(longest_step).max(-longest_step);
        Array step = sinkhorn_step();
        for (Eigen::Index j = 0; j < step.size(); ++j) step[j] += beyond[columns_.of(j)];
        return step;
    }

    void move(Array step) {
        Eigen::Map<Array> g(point_.g.data(), step.size());
        step -= (b_ * step).sum();  // the same for all columns changes nothing
        if (trivial()) {
            g += reg_ * step;  // a Newton step of the whole problem
        } else {
            g = mixing_.next(g, reg_ * step);
        }
    }

    bool trivial() const { return rows_.trivial() && columns_.trivial(); }

    // What rounding the potentials does to the marginals.
    double rounding() const {
        const double size = (map(progress_.masses.a) * map(point_.f).abs()).sum() +
                            (b_ * map(point_.g).abs()).sum();
        return std::numeric_limits<double>::epsilon() * (1 + size / reg_);
    }

    Progress& progress_;
    double reg_, enough_;
    Eigen::Map<const Array> b_;
    Mixing mixing_;
    double longest_;
    bool few_;
    Cells rows_, columns_;
    Counts counts_;
    Storage storage_ = Storage::Dense;
    Point point_;
    Kernel kernel_;
    Relaxation relaxation_;
    NewtonMemory newton_;
};

class Multiscale {
public:
    Multiscale(Progress& progress, double reg)
        : progress_(progress), a_(progress.masses.a), b_(progress.masses.b), reg_(reg) {}

    Status run() {
        if (progress_.options.g == nullptr) {
            Index cell = 2;
            while (entries(progress_.cost) > most_coarse * double(cell * cell)) cell *= 2;
            for (; cell > 1; cell /= refinement) {
                const Status status = merged(cell);
                if (status != Status::Converged && status != Status::Stalled) return status;
            }
        }
        Options options = progress_.options;
        const std::vector<double> start = refined(1);
        if (!start.empty()) options.g = start.data();
        Progress all{
            progress_.cost, progress_.masses, options, progress_.context, progress_.out, {}, {}};
        const Status status = Level(all, reg_, share_, 0).run();
        progress_.f = all.f, progress_.g = all.g, progress_.error = all.error;
        return status;
    }

private:
    // Solves the problem of cells of that size.
    Status merged(Index cell) {
        const auto cost = progress_.cost.merged(a_, cell, b_, cell);
        const Masses cells{Cells(std::ssize(a_), cell).sums(a_),
                           Cells(std::ssize(b_), cell).sums(b_)};
        Options options = progress_.options;
        options.tol = std::max(options.tol, merged_error);
        const std::vector<double> start = refined(cell);
        if (!start.empty()) options.g = start.data();
        const Index passes = progress_.out.n_passes;
        Progress merged{*cost, cells, options, progress_.context, progress_.out, {}, {}};
        const bool small = start.empty() || entries(*cost) <= most_coarse;
        const Status status =
            small ? solve_auto(merged, reg_) : Level(merged, reg_, share_, merged_share).run();
        progress_.out.n_passes = passes;  // over all entries
        f_ = merged.f, cell_ = cell;
        const Trace& trace = progress_.out.trace;
        if (trace.rows() > 0) share_ = trace.row(trace.rows() - 1)[5] / entries(*cost);
        return status;
    }

    // Potentials of the columns in cells of that size, from those of the level before.
    std::vector<double> refined(Index cell) const {
        if (f_.empty()) return {};
        const auto cost = progress_.cost.merged(a_, cell_, b_, cell);
        return column_potentials(*cost, Cells(std::ssize(b_), cell).sums(b_), f_, reg_,
                                 progress_.context);
    }

    Progress& progress_;
    View a_, b_;
    double reg_;
    Index cell_ = 1;         // of the last level that was solved
    double share_ = 1;       // of its plan's entries that matter
    std::vector<double> f_;  // its potentials
};

}  // namespace

Status solve_multiscale(Progress& progress, double reg) { return Multiscale(progress, reg).run(); }

}  // namespace cycloid::ot
