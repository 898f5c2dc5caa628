#include "merged_blocks.hpp"

#include <cmath>
#include <map>

namespace cycloid::relu {

MergedBlocks::MergedBlocks(const Blocks& all) {
    const Index outputs = all.direction.rows(), count = all.count();
    std::map<std::vector<double>, Index> seen;
    std::vector<Index> first;
    std::vector<double> multiplicity;
    for (Index b = 0; b < count; ++b) {
        const Vector g = all.direction.col(b);
        Index leading = 0;
        while (leading + 1 < outputs && g[leading] == 0) ++leading;
        const double sign = g[leading] < 0 ? -1 : 1;
        std::vector<double> key{static_cast<double>(all.pattern[b])};
        for (Index j = 0; j < outputs; ++j) key.push_back(sign * g[j] + 0.0);
        const auto [place, fresh] = seen.try_emplace(key, static_cast<Index>(first.size()));
        if (fresh) {
            first.push_back(b);
            multiplicity.push_back(0);
            separate = separate && (g.array() != 0).count() <= 1;
        }
        into.push_back(place->second);
        scale.push_back(sign);
        multiplicity[place->second] += 1;
    }
    blocks.direction.resize(outputs, static_cast<Index>(first.size()));
    for (std::size_t j = 0; j < first.size(); ++j) {
        const double sign = scale[first[j]], root = std::sqrt(multiplicity[j]);
        blocks.pattern.push_back(all.pattern[first[j]]);
        blocks.direction.col(static_cast<Index>(j)) = sign * root * all.direction.col(first[j]);
    }
    for (Index b = 0; b < count; ++b) scale[b] /= std::sqrt(multiplicity[into[b]]);
}

}  // namespace cycloid::relu
