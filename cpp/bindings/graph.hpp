// Sparse symmetric matrices, for the bindings of graphs.
#pragma once

#include "cycloid/bcd/sparse_symmetric.hpp"
#include "matrix.hpp"

namespace cycloid::bindings {

struct MakeSymmetric {
    bcd::SparseSymmetric& matrix;

    template <class Scalar>
    void dense(const Scalar*, Index, Index, Index, Index) const {
        throw py::type_error("A must be sparse");
    }
    template <class Scalar, class StorageIndex>
    void compressed(bool, const Scalar* values, const StorageIndex* indices,
                    const StorageIndex* starts, Index rows, Index columns) const {
        if (rows != columns) throw py::value_error("A must be square");
        matrix = bcd::make_symmetric(values, indices, starts, rows);
    }
};

inline bcd::SparseSymmetric copy_symmetric(const py::object& a) {
    bcd::SparseSymmetric matrix;
    visit_matrix(a, MakeSymmetric{matrix});
    return matrix;
}

}  // namespace cycloid::bindings
