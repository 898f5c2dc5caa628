// Some blocks of a program as a program of their own, and the way back.
#pragma once

#include <utility>
#include <vector>

#include "cycloid/relu/program.hpp"

namespace cycloid::relu {

class BlockSubset {
public:
    BlockSubset(const Program& program, std::vector<Index> kept)
        : whole_(program), kept_(std::move(kept)) {
        for (const Index b : kept_) blocks_.pattern.push_back(program.blocks.pattern[b]);
        blocks_.direction = program.blocks.direction(Eigen::all, kept_);
    }

    Program program() const {
        return {whole_.x,     whole_.loss,      whole_.patterns, blocks_,
                whole_.alpha, whole_.intercept, whole_.gated};
    }

    // A solution of the subset becomes one of the whole: other blocks are zero. `multipliers` of
    // theirs (n x all blocks, or empty for zero) make the bound, which is computed anew.
    void embed(Solution& solution, Matrix multipliers, const Context& context) const {
        const Index count = whole_.blocks.count();
        if (!whole_.gated) {
            if (multipliers.size() == 0) multipliers.setZero(whole_.x.rows(), count);
            multipliers(Eigen::all, kept_) = solution.point.cone_multipliers;
        }
        solution.lower_bound = make_feasible(whole_, solution.point.dual, multipliers, context);
        solution.point.cone_multipliers = std::move(multipliers);
        Matrix v = Matrix::Zero(whole_.x.cols(), count);
        v(Eigen::all, kept_) = solution.point.v;
        solution.point.v = std::move(v);
    }

private:
    const Program& whole_;
    std::vector<Index> kept_;
    Blocks blocks_;
};

}  // namespace cycloid::relu
