#include "cycloid/newton/linear_map.hpp"

#include <cmath>

namespace cycloid::newton {
namespace {

class DenseMap final : public LinearMap {
public:
    explicit DenseMap(Matrix entries) : entries_(std::move(entries)) {}

    Index rows() const override { return entries_.rows(); }
    Index columns() const override { return entries_.cols(); }
    Vector times(const Vector& v) const override { return entries_ * v; }
    Vector transposed_times(const Vector& v) const override { return entries_.transpose() * v; }
    const Matrix* dense() const override { return &entries_; }
    bool finite() const override { return entries_.allFinite(); }

private:
    Matrix entries_;
};

class SparseMap final : public LinearMap {
public:
    explicit SparseMap(SparseMatrix entries) : entries_(std::move(entries)) {
        entries_.makeCompressed();
    }

    Index rows() const override { return entries_.rows(); }
    Index columns() const override { return entries_.cols(); }
    Vector times(const Vector& v) const override { return entries_ * v; }
    Vector transposed_times(const Vector& v) const override { return entries_.transpose() * v; }
    const SparseMatrix* sparse() const override { return &entries_; }
    bool finite() const override {
        return Eigen::Map<const Vector>(entries_.valuePtr(), entries_.nonZeros()).allFinite();
    }

private:
    SparseMatrix entries_;
};

}  // namespace

Map make_map(Matrix entries) { return std::make_shared<DenseMap>(std::move(entries)); }
Map make_map(SparseMatrix entries) { return std::make_shared<SparseMap>(std::move(entries)); }

Map make_identity(Index size, double scale, bool sparse) {
    if (!sparse) return make_map(Matrix(scale * Matrix::Identity(size, size)));
    SparseMatrix entries(size, size);
    entries.setIdentity();
    return make_map(SparseMatrix(scale * entries));
}

}  // namespace cycloid::newton
