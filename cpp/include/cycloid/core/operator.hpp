// A matrix is what it can do. Algorithms are written once over this interface; dense matrices of
// either order, CSC and CSR, in single or double precision, with 32- or 64-bit indices, are its
// implementations.
//
// `centre` (one value a column, or null) makes a dense operator act as X - 1 centre' without
// forming it. Sparse operators ignore it: callers centre them implicitly through sums (see
// bcd/kernels.hpp).
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "cycloid/core/parallel.hpp"
#include "cycloid/core/trace.hpp"

namespace cycloid {

using Columns = std::span<const Index>;

template <class Scalar>
using Matrix = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic>;

// Columns copied out of a matrix for coordinate-wise work: compressed when the matrix is sparse
// (`starts` is filled), else column-major with n_rows values a column.
struct ColumnBlock {
    Index n_rows = 0, n_columns = 0;
    bool sparse = false;
    std::vector<Index> starts;       // sparse: n_columns + 1
    std::vector<std::int32_t> rows;  // sparse: ascending within a column
    std::vector<double> values;
};

// The rows of a sparse matrix, for row-wise work that bears single precision.
struct RowBlock {
    struct Entry {
        std::int32_t column;
        float value;
    };
    std::vector<Index> starts;
    std::unique_ptr<Entry[]> entries;  // not a vector: it would fill what is written once anyway

    std::span<Entry> all() { return {entries.get(), static_cast<std::size_t>(starts.back())}; }
    std::span<const Entry> row(std::size_t i) const {
        return {entries.get() + starts[i], entries.get() + starts[i + 1]};
    }
};

class Operator {
public:
    virtual ~Operator() = default;
    virtual Index rows() const = 0;
    virtual Index columns() const = 0;
    virtual bool sparse() const = 0;
    virtual double nonzeros(Columns columns) const = 0;  // stored values in these columns

    // One pass over everything: mean_j = sum_i w_i x_ij / sum(w), variance_j = sum_i w_i (x_ij -
    // mean_j)^2 (about zero, not the mean, when !centred; mean is then 0), correlation_j = sum_i
    // u_i (x_ij - mean_j). A column with a non-finite value gets a non-finite variance.
    virtual void survey(const double* w, const double* u, bool centred, double* mean,
                        double* variance, double* correlation, const Context& context) const = 0;

    // out_k = sum_i u_i (x_{i, columns[k]} - centre)
    virtual void correlate(const double* u, Columns columns, const double* centre, double* out,
                           const Context& context) const = 0;

    // out_i += sum_k coef_k (x_{i, columns[k]} - centre)
    virtual void accumulate(Columns columns, const double* coef, const double* centre, double* out,
                            const Context& context) const = 0;

    // The same for several vectors at a time, their values side by side: u has n_outputs values a
    // row of X, coef and out of `correlate` n_outputs values a column.
    virtual void correlate(const double* u, Index n_outputs, Columns columns, const double* centre,
                           double* out, const Context& context) const = 0;
    virtual void accumulate(Columns columns, const double* coef, Index n_outputs,
                            const double* centre, double* out, const Context& context) const = 0;

    // The weighted Gram matrix of the columns, rows >= first, lower triangle:
    // gram(a, b) = sum_i h_i (x_ia - centre_a) (x_ib - centre_b), in either precision.
    virtual void gram(Columns columns, Index first, const double* h, const double* centre,
                      Eigen::Ref<Eigen::MatrixXd> gram, const Context& context) const = 0;
    virtual void gram(Columns columns, Index first, const double* h, const double* centre,
                      Eigen::Ref<Eigen::MatrixXf> gram, const Context& context) const = 0;

    // Mean and correlation of every column as `survey` has them (u zero where w is), and with h = w
    // and centre = mean the lower triangle of their Gram matrix, in one pass instead of two. False,
    // and nothing promised of the output, where that saves nothing or would cost digits.
    virtual bool moments(const double* /*w*/, const double* /*u*/, bool /*centred*/,
                         double* /*mean*/, double* /*correlation*/,
                         Eigen::Ref<Eigen::MatrixXd> /*gram*/, const Context& /*context*/) const {
        return false;
    }

    // Appends copies of the columns to the block.
    virtual void gather(Columns columns, const double* centre, ColumnBlock& block,
                        const Context& context) const = 0;

    // Copies all rows in single precision. False where it does not: of a dense matrix (which would
    // have to be filled in again), or where values are beyond that precision.
    virtual bool gather_rows(RowBlock&) const { return false; }
};

// Views of memory that outlives the operator. Strides count elements.
template <class Scalar>
std::unique_ptr<Operator> make_dense(const Scalar* data, Index rows, Index columns,
                                     Index row_stride, Index column_stride);
template <class Scalar, class StorageIndex>
std::unique_ptr<Operator> make_csc(const Scalar* values, const StorageIndex* indices,
                                   const StorageIndex* starts, Index rows, Index columns);
// CSR is transposed once into columns of its own: coordinate methods live on columns.
template <class Scalar, class StorageIndex>
std::unique_ptr<Operator> make_csr(const Scalar* values, const StorageIndex* indices,
                                   const StorageIndex* starts, Index rows, Index columns);

// X diag(scale), both of which outlive the view. Means, variances and centres are those of the
// scaled columns.
std::unique_ptr<Operator> make_scaled(const Operator& x, const double* scale);

}  // namespace cycloid
