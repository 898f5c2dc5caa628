// A tall matrix that is read by blocks of rows, so that one pass through memory serves products
// with X and with X', and its rows can be mixed into a sketch. Dense matrices of either order, CSR
// and (transposed once) CSC, in single or double precision.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "cycloid/core/parallel.hpp"
#include "cycloid/core/trace.hpp"

namespace cycloid::newton {

// Where the rows of a block go in a sketch: row i to `per_row` rows, each with its factor.
struct Targets {
    Index per_row = 0;
    std::vector<Index> row;      // (i - begin) per_row + k
    std::vector<double> factor;  // alike
};

class Rows {
public:
    virtual ~Rows() = default;
    Rows() = default;
    Rows(const Rows&) = delete;
    Rows& operator=(const Rows&) = delete;

    virtual Index rows() const = 0;
    virtual Index columns() const = 0;
    virtual bool sparse() const = 0;
    virtual double stored() const = 0;     // values that a pass reads
    virtual Index block_rows() const = 0;  // so many stay in the cache

    // z_i = x_i . v for i in [begin, end); z points at element `begin`, as u does below.
    virtual void multiply(Index begin, Index end, const double* v, double* z) const = 0;
    // g += sum_i u_i x_i
    virtual void add_transposed(Index begin, Index end, const double* u, double* g) const = 0;
    // g_j += sum_i u_i x_ij^2
    virtual void add_squares(Index begin, Index end, const double* u, double* g) const = 0;

    // A copy of the rows `which`, in the precision of the original.
    virtual std::unique_ptr<Rows> take(const std::vector<Index>& which) const = 0;

    // Columns [from, to) of the rows `which`, side by side.
    virtual void pack(const Index* which, Index count, Index from, Index to, double* out) const = 0;
    virtual void pack(const Index* which, Index count, Index from, Index to, float* out) const = 0;

    // out(t, :) += factor x_i for the targets t of each i in [begin, end), columns [from, to); rows
    // of `out` lie `stride` apart.
    virtual void scatter(Index begin, Index end, Index from, Index to, const Targets& targets,
                         double* out, Index stride) const = 0;
    virtual void scatter(Index begin, Index end, Index from, Index to, const Targets& targets,
                         float* out, Index stride) const = 0;
};

// Views of memory that outlives them. Strides count elements; one of the two is 1.
template <class Scalar>
std::unique_ptr<Rows> make_dense_rows(const Scalar* data, Index rows, Index columns,
                                      Index row_stride, Index column_stride);
template <class Scalar, class StorageIndex>
std::unique_ptr<Rows> make_csr_rows(const Scalar* values, const StorageIndex* indices,
                                    const StorageIndex* starts, Index rows, Index columns);
// Copied into rows of its own.
template <class Scalar, class StorageIndex>
std::unique_ptr<Rows> make_csc_rows(const Scalar* values, const StorageIndex* indices,
                                    const StorageIndex* starts, Index rows, Index columns);

// total[0 .. width) += sum over blocks of what body(begin, end, sum) adds to `sum`, taken in an
// order that does not depend on the number of threads. After a stop the total means nothing.
template <class Body>
void sum_over_rows(const Rows& x, Index width, double* total, const Context& context,
                   const Body& body) {
    const Index n = x.rows(), block = x.block_rows();
    const double work = x.stored() + static_cast<double>(n);
    // As many slabs as threads might want, but their sums must stay small beside the matrix.
    const auto affordable = static_cast<Index>(work / (8.0 * static_cast<double>(width + 1)));
    const Index slabs = std::clamp<Index>(std::min(affordable, n / block), 1, 32);
    const Index share = ((n + slabs - 1) / slabs + block - 1) / block * block;
    constexpr double poll_work = 1 << 26;  // values read between two looks at the clock
    const auto rounds = static_cast<Index>(work / poll_work) + 1;
    const Index step = ((share + rounds - 1) / rounds + block - 1) / block * block;
    Eigen::MatrixXd sums = Eigen::MatrixXd::Zero(width, slabs);
    for (Index done = 0; done < share && !context.stop(); done += step) {
        parallel_for(context.team(work), slabs, [&](Index slab) {
            const Index first = slab * share + done;
            const Index last = std::min({first + step, (slab + 1) * share, n});
            for (Index begin = first; begin < last; begin += block) {
                body(begin, std::min(begin + block, last), sums.col(slab).data());
            }
        });
    }
    Eigen::Map<Eigen::VectorXd>(total, width) += sums.rowwise().sum();
}

}  // namespace cycloid::newton
