// Factorization of a symmetric indefinite matrix.
#pragma once

#include <vector>

#include "cycloid/core/trace.hpp"
#include "cycloid/newton/linear_map.hpp"

namespace cycloid::newton {

// P A P' = L D L' with L unit lower triangular and D of blocks 1 x 1 and 2 x 2, pivots by
// Bunch & Kaufman (1977). The same bits for every number of threads.
class SymmetricFactor {
public:
    // Reads the lower triangle. False when interrupted.
    bool factorize(Matrix a, const Context& context);
    // x <- A^{-1} x; directions that A does not see are left at zero.
    void solve(Vector& x) const;

    Index positive() const { return positive_; }
    Index negative() const { return negative_; }
    Index zero() const { return size() - positive_ - negative_; }
    Index size() const { return ld_.rows(); }

private:
    Index factorize_panel(Index begin, Index width);
    Index choose_pivot(Index begin, Index k);
    void exchange(Index begin, Index k, Index p);
    void load_column(Index begin, Index column, Index k, Index target);
    void update_trailing(Index begin, Index end, const Context& context);
    void count_inertia(double scale);

    Matrix ld_;                  // L below the diagonal, D on it (and below it in 2 x 2 blocks)
    Matrix work_;                // L D, of one panel
    std::vector<Index> origin_;  // row of A that stands in each row
    std::vector<bool> double_;   // a 2 x 2 block begins here
    Index positive_ = 0, negative_ = 0;
    double tiny_ = 0;  // eigenvalues of D up to this count as zero
};

}  // namespace cycloid::newton
