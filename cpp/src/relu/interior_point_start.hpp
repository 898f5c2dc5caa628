// Where the interior-point method begins.
#pragma once

#include "cycloid/relu/program.hpp"

namespace cycloid::relu {

// For each pattern argmin_v t - log(t^2 - |v|^2) / 2 - sum_k log(e_k x_k' v) with t the best for v:
// the central path's point of a block at slopes zero, alpha = 1 and barrier parameter 1. A column
// is not finite where the generator is not strictly inside. signs: n x P, +1, -1, and 0 on rows
// that bound nothing.
Matrix central_weights(const Program& program, const Matrix& signs, const Context& context);

}  // namespace cycloid::relu
