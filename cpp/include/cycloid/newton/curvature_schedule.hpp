// Which preconditioner a finite sum gets, and when it has earned a better one.
#pragma once

#include "cycloid/newton/precondition.hpp"

namespace cycloid::newton {

// The curvature is gathered from as many rows as cost some passes over X, and kept while conjugate
// gradients do with it; where they do not, from a sketch of all rows, from all, and in double
// precision. A choice depends on counts alone, never on a clock.
class CurvatureSchedule {
public:
    CurvatureSchedule(const FiniteSum& sum, std::uint64_t seed);

    // The preconditioner to factor next: new where there is none, or where the iterations of
    // conjugate gradients since it was gathered would have paid for a new one.
    Preconditioner& at(const SumPoint& point, const Context& context);
    // Notes what one solve took; many iterations call for a better source.
    void note(Index iterations);
    // Lets the next preconditioner come from a better source; false if there is none.
    bool improve();
    // Lets it come from all rows; false if this one does.
    bool improve_to_all();
    // Lets it be gathered anew, at the point of that time.
    void renew() { outdated_ = true; }
    // Whether it was of use before.
    bool is_old() const { return since_gather_ > 0; }

private:
    // Of dense blocks, or for sums of too many coefficients for these.
    enum class Level { Subsample, Sketch, All, Double, Diagonal, Nystrom };

    std::unique_ptr<Preconditioner> gather(const SumPoint& point, const Context& context) const;
    double passes() const;  // what gathering costs, in passes over X
    Index subsample_rows() const;

    const FiniteSum& sum_;
    std::uint64_t seed_;
    Level level_;
    std::unique_ptr<Preconditioner> current_;
    Index since_gather_ = 0;  // iterations
    bool outdated_ = true;    // what is in use is replaced at the next call of at()
};

}  // namespace cycloid::newton
