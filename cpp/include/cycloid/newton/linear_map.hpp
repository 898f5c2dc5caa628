// A matrix as what it can do: products always, its entries where it has them.
#pragma once

#include <Eigen/Core>
#include <Eigen/SparseCore>
#include <memory>
#include <utility>

#include "cycloid/core/parallel.hpp"

namespace cycloid::newton {

using Vector = Eigen::VectorXd;
using Matrix = Eigen::MatrixXd;
using SparseMatrix = Eigen::SparseMatrix<double>;  // by columns, compressed

// Immutable, so one may be shared by many points (the Jacobian of linear constraints) and
// whoever prepared for it sees by its address that it is the same.
class LinearMap {
public:
    virtual ~LinearMap() = default;
    LinearMap() = default;
    LinearMap(const LinearMap&) = delete;
    LinearMap& operator=(const LinearMap&) = delete;

    virtual Index rows() const = 0;
    virtual Index columns() const = 0;
    virtual Vector times(const Vector& v) const = 0;
    virtual Vector transposed_times(const Vector& v) const = 0;
    // The entries; at most one of the two is not null.
    virtual const Matrix* dense() const { return nullptr; }
    virtual const SparseMatrix* sparse() const { return nullptr; }
    // False if an entry is known not to be finite.
    virtual bool finite() const { return true; }
};

using Map = std::shared_ptr<const LinearMap>;

Map make_map(Matrix entries);
Map make_map(const SparseMatrix& entries);
// scale times the identity, sparse (for systems whose other block is sparse) or dense.
Map make_identity(Index size, double scale, bool sparse);
Map difference(const Map& a, const Map& b);

}  // namespace cycloid::newton
