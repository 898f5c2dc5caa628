// Approximate inverses of a sparse symmetric positive definite matrix.
#pragma once

#include <memory>

#include "cycloid/bcd/elimination.hpp"

namespace cycloid::bcd {

class Approximation {
public:
    virtual ~Approximation() = default;
    virtual bool positive() const = 0;
    // z = M^{-1} r for `width` vectors side by side.
    virtual void apply(const double* r, Index width, double* z) = 0;
};

// Exact block updates over a partition into forests, there and back: block Gauss-Seidel, which is
// symmetric and positive definite for every positive definite matrix.
std::unique_ptr<Approximation> make_forest_sweep(const SparseSymmetric& matrix);

// A dense factorization: exact, for small or nearly dense matrices.
std::unique_ptr<Approximation> make_dense_factor(const SparseSymmetric& matrix,
                                                 const Context& context);

// See EliminationLimits::sampled.
std::unique_ptr<Approximation> make_sampled(const GraphSystem& system, const Context& context);

}  // namespace cycloid::bcd
