// Approximate inverses of the Hessian of a finite sum, for conjugate gradients.
#pragma once

#include <cstdint>
#include <memory>

#include "cycloid/newton/finite_sum.hpp"
#include "cycloid/newton/sketch.hpp"

namespace cycloid::newton {

// From which rows the curvature X'DX is gathered.
enum class CurvatureSource {
    Subsample,   // `rows` of them, drawn without replacement
    SparseSign,  // a sketch of sqrt(D) X with `rows` rows
    Srht,
    Gaussian,
    All,
};

struct CurvaturePlan {
    CurvatureSource source = CurvatureSource::All;
    Index rows = 0;
    bool single = true;  // float32
    std::uint64_t seed = 0;
};

// What is added to X'DX in the block of W: of size coefficients x coefficients, where not null.
struct CurvatureTerms {
    double diagonal = 0;
    const Matrix* dense = nullptr;     // symmetric; its blocks of one output each are used
    const Matrix* low_rank = nullptr;  // columns u: adds sum u u', for one output alone
};

class Preconditioner {
public:
    virtual ~Preconditioner() = default;
    Preconditioner() = default;
    Preconditioner(const Preconditioner&) = delete;
    Preconditioner& operator=(const Preconditioner&) = delete;

    // False if the matrix with these terms is not positive definite; then solve is not for use.
    virtual bool factor(const CurvatureTerms& terms, const Context& context) = 0;
    // An approximation of (H + terms)^{-1} r, by a fixed positive definite matrix.
    virtual Vector solve(const Vector& r) const = 0;
};

// The blocks of single outputs of X'DX, in one precision, by Cholesky's factorization.
std::unique_ptr<Preconditioner> gather_curvature(const FiniteSum& sum, const SumPoint& at,
                                                 const CurvaturePlan& plan, const Context& context);

// A randomized Nystrom approximation of X'DX by `rank` products with it, for sums of so many
// coefficients that a matrix of them would not fit.
std::unique_ptr<Preconditioner> gather_nystrom(const FiniteSum& sum, const SumPoint& at, Index rank,
                                               std::uint64_t seed, const Context& context);

}  // namespace cycloid::newton
