// The arrays of a compressed sparse matrix, before anybody trusts them.
#pragma once

#include <cstdint>
#include <limits>
#include <stdexcept>

#include "cycloid/core/parallel.hpp"

namespace cycloid {

// Indices from outside are checked before any use; some keep row numbers in 32 bits.
template <class StorageIndex>
void check_compressed(const StorageIndex* indices, const StorageIndex* starts, Index major,
                      Index minor, Index rows) {
    if (rows > std::numeric_limits<std::int32_t>::max()) {
        throw std::invalid_argument("X has more than 2^31 - 1 rows");
    }
    if (starts[0] != 0) throw std::invalid_argument("X.indptr must start at 0");
    for (Index k = 0; k < major; ++k) {
        if (starts[k + 1] < starts[k]) throw std::invalid_argument("X.indptr must not decrease");
        for (auto q = starts[k]; q < starts[k + 1]; ++q) {
            if (indices[q] < 0 || indices[q] >= static_cast<StorageIndex>(minor)) {
                throw std::invalid_argument("X.indices holds an index outside the matrix");
            }
            if (q > starts[k] && indices[q] <= indices[q - 1]) {
                throw std::invalid_argument("X.indices must ascend, without duplicates");
            }
        }
    }
}

}  // namespace cycloid
