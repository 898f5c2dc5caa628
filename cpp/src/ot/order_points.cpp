#include <algorithm>
#include <bit>
#include <limits>
#include <numeric>

#include "cycloid/ot/point_cost.hpp"

namespace cycloid::ot {
namespace {

class Splitter {
public:
    Splitter(const double* x, Index dimension) : x_(x), dimension_(dimension) {}

    // Splits along the widest side, the left part as large a power of two as leaves something to
    // the right.
    void split(std::span<Index> points) const {
        if (points.size() < 2) return;
        const std::size_t left = std::bit_ceil(points.size()) / 2;
        const Index k = widest(points);
        const auto before = [&](Index i, Index j) {
            const double xi = x_[i * dimension_ + k], xj = x_[j * dimension_ + k];
            return xi < xj || (xi == xj && i < j);
        };
        std::nth_element(points.begin(), points.begin() + static_cast<Index>(left), points.end(),
                         before);
        split(points.first(left));
        split(points.subspan(left));
    }

private:
    Index widest(std::span<const Index> points) const {
        Index best = 0;
        double width = -1;
        for (Index k = 0; k < dimension_; ++k) {
            double low = std::numeric_limits<double>::infinity(), high = -low;
            for (const Index i : points) {
                low = std::min(low, x_[i * dimension_ + k]);
                high = std::max(high, x_[i * dimension_ + k]);
            }
            if (high - low > width) width = high - low, best = k;
        }
        return best;
    }

    const double* x_;
    Index dimension_;
};

}  // namespace

std::vector<Index> order_points(const double* x, Index n, Index dimension) {
    std::vector<Index> order(static_cast<std::size_t>(n));
    std::iota(order.begin(), order.end(), Index{0});
    Splitter(x, dimension).split(order);
    return order;
}

}  // namespace cycloid::ot
