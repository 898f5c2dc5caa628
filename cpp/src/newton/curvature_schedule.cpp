#include "cycloid/newton/curvature_schedule.hpp"

#include <cmath>

namespace cycloid::newton {
namespace {

constexpr Index widest_block = 5000;  // columns up to which a matrix of them is affordable
constexpr double gram_speed = 80;     // multiply-adds of a matrix product in the time that a pass
                                      // over X takes for one value
constexpr Index sketch_factor = 6;    // rows of a sketch by columns
constexpr Index nystrom_rank = 100;
constexpr Index too_many = 40;  // iterations of one solve

}  // namespace

CurvatureSchedule::CurvatureSchedule(const FiniteSum& sum, std::uint64_t seed)
    : sum_(sum), seed_(seed), level_(Level::Subsample) {
    if (sum.x.columns() > widest_block) {
        level_ = Level::Diagonal;
    } else if (subsample_rows() > sum.x.rows() / 2) {
        level_ = Level::All;
    }
}

// As many as cost three passes; less than so many a column would leave the spectrum too wide.
Index CurvatureSchedule::subsample_rows() const {
    const auto n = static_cast<double>(sum_.x.rows()), d = static_cast<double>(sum_.x.columns());
    return static_cast<Index>(std::min(n, std::max(10 * d, 3 * gram_speed * n / d)));
}

double CurvatureSchedule::passes() const {
    const auto n = static_cast<double>(sum_.x.rows()), d = static_cast<double>(sum_.x.columns());
    const double all = d / gram_speed * static_cast<double>(sum_.outputs);
    switch (level_) {
        case Level::Subsample:
            return all * static_cast<double>(subsample_rows()) / n;
        case Level::Sketch:
            return all * sketch_factor * d / n + 4;
        case Level::Double:
            return 2 * all;
        case Level::Diagonal:
            return 1;
        case Level::Nystrom:
            return nystrom_rank;
        default:
            return all;
    }
}

std::unique_ptr<Preconditioner> CurvatureSchedule::gather(const SumPoint& point,
                                                          const Context& context) const {
    const Index d = sum_.x.columns();
    switch (level_) {
        case Level::Subsample:
            return gather_curvature(
                sum_, point, {CurvatureSource::Subsample, subsample_rows(), true, seed_}, context);
        case Level::Sketch:
            return gather_curvature(sum_, point,
                                    {CurvatureSource::SparseSign, sketch_factor * d, true, seed_},
                                    context);
        case Level::Diagonal:
            return gather_nystrom(sum_, point, 0, seed_, context);
        case Level::Nystrom:
            return gather_nystrom(sum_, point, nystrom_rank, seed_, context);
        default:
            return gather_curvature(
                sum_, point, {CurvatureSource::All, 0, level_ == Level::All, seed_}, context);
    }
}

Preconditioner& CurvatureSchedule::at(const SumPoint& point, const Context& context) {
    const double limit = 6 + 2 * passes();
    if (outdated_ || static_cast<double>(since_gather_) > limit) {
        current_ = gather(point, context);
        since_gather_ = 0;
        outdated_ = false;
    }
    return *current_;
}

void CurvatureSchedule::note(Index iterations) {
    since_gather_ += iterations;
    if (iterations > too_many) improve();
}

bool CurvatureSchedule::improve() {
    switch (level_) {
        case Level::Subsample: {
            const bool worth_it = 2 * sketch_factor * sum_.x.columns() < sum_.x.rows();
            level_ = worth_it ? Level::Sketch : Level::All;
            break;
        }
        case Level::Sketch:
            level_ = Level::All;
            break;
        case Level::All:
            level_ = Level::Double;
            break;
        case Level::Diagonal:
            level_ = Level::Nystrom;
            break;
        default:
            return false;
    }
    outdated_ = true;
    return true;
}

bool CurvatureSchedule::improve_to_all() {
    if (level_ != Level::Subsample && level_ != Level::Sketch) return false;
    level_ = Level::All;
    outdated_ = true;
    return true;
}

}  // namespace cycloid::newton
