// What all calls of the ReLU engine share.
#pragma once

#include <Eigen/Core>
#include <memory>

#include "common.hpp"
#include "cycloid/relu/program.hpp"

namespace cycloid::bindings {

// Stored by columns, viewed.
using Columns = Eigen::Ref<const relu::Matrix>;
using Masks = Eigen::Ref<const relu::Mask>;

relu::LossKind relu_loss(const std::string& name);

// A program with what it refers to; x must outlive it. Throws ValueError where shapes disagree.
struct ReluProblem {
    ReluProblem(const Columns& x, const Columns& y, const py::object& weights,
                const std::string& loss_name, double parameter, const Masks& active,
                const Columns& generators, const std::vector<Index>& block_pattern,
                const Columns& directions, double alpha, bool intercept, bool gated);
    ReluProblem(const ReluProblem&) = delete;
    ReluProblem& operator=(const ReluProblem&) = delete;

    std::unique_ptr<relu::Loss> loss;
    relu::Patterns patterns;
    relu::Blocks blocks;
    relu::Program program;
};

// Keys v, and optionally intercept, dual, cone_multipliers: those of `solution_dict`.
relu::Point view_point(const relu::Program& program, const py::dict& warm);
py::dict solution_dict(const relu::Program& program, const relu::Solution& solution);

}  // namespace cycloid::bindings
