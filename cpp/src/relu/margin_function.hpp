// A margin as a function of the neurons: weights' max(neurons, 0) + constant.
#pragma once

#include <vector>

#include "cycloid/relu/attack.hpp"

namespace cycloid::relu {

struct MarginFunction {
    Vector weights;
    double constant;
};

// Those whose minimum is the margin of a label.
std::vector<MarginFunction> margin_functions(const Network& network, Index label);

// The least of them, and which it is.
double margin_of(const std::vector<MarginFunction>& margins, const Vector& neurons, Index* which);

}  // namespace cycloid::relu
