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
    explicit SparseMap(const SparseMatrix& entries) : entries_(entries) {
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

class Difference final : public LinearMap {
public:
    Difference(Map a, Map b) : a_(std::move(a)), b_(std::move(b)) {}

    Index rows() const override { return a_->rows(); }
    Index columns() const override { return a_->columns(); }
    Vector times(const Vector& v) const override { return a_->times(v) - b_->times(v); }
    Vector transposed_times(const Vector& v) const override {
        return a_->transposed_times(v) - b_->transposed_times(v);
    }
    bool finite() const override { return a_->finite() && b_->finite(); }

private:
    Map a_, b_;
};

}  // namespace

Map make_map(Matrix entries) { return std::make_shared<DenseMap>(std::move(entries)); }
Map make_map(const SparseMatrix& entries) { return std::make_shared<SparseMap>(entries); }

Map make_identity(Index size, double scale, bool sparse) {
    if (!sparse) return make_map(Matrix(scale * Matrix::Identity(size, size)));
    SparseMatrix entries(size, size);
    entries.setIdentity();
    return make_map(SparseMatrix(scale * entries));
}

Map difference(const Map& a, const Map& b) {
    if (a->dense() != nullptr && b->dense() != nullptr) {
        return make_map(Matrix(*a->dense() - *b->dense()));
    }
    if (a->sparse() != nullptr && b->sparse() != nullptr) {
        return make_map(SparseMatrix(*a->sparse() - *b->sparse()));
    }
    return std::make_shared<Difference>(a, b);
}

}  // namespace cycloid::newton
