#include "cycloid/ot/cells.hpp"

#include <algorithm>

namespace cycloid::ot {

Cells::Cells(Index points, Index size) {
    for (Index begin = 0; begin < points; begin += size) close(std::min(begin + size, points));
}

Cells::Cells(View entries, double share) {
    const auto points = std::ssize(entries);
    for (Index begin = 0; begin < points;) {
        Index size = largest;
        for (; size > 1; size /= 2) {
            if (begin % size != 0) continue;
            const auto first = entries.begin() + begin;
            const auto last = entries.begin() + std::min(begin + size, points);
            if (share * *std::min_element(first, last) >= static_cast<double>(size)) break;
        }
        begin = std::min(begin + size, points);
        close(begin);
    }
}

void Cells::close(Index end) {
    cell_of_.resize(static_cast<std::size_t>(end), count());
    starts_.push_back(end);
}

std::vector<double> Cells::sums(View values) const {
    std::vector<double> sums(static_cast<std::size_t>(count()));
    for (std::size_t i = 0; i < values.size(); ++i) sums[cell_of_[i]] += values[i];
    return sums;
}

double Cells::links(View entries) const {
    double sum = 0;
    for (Index cell = 0; cell < count(); ++cell) {
        const auto size = static_cast<double>(end(cell) - begin(cell));
        for (Index i = begin(cell); i < end(cell); ++i) sum += entries[i] / (size * size);
    }
    return sum;
}

}  // namespace cycloid::ot
