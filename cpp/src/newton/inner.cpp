#include "cycloid/newton/inner.hpp"

namespace cycloid::newton {
namespace {

// So many products give all entries of the Hessian, and Minres seldom needs fewer of them.
constexpr Index few_products = 200;

double stored(const LinearMap& map) {
    if (map.sparse() != nullptr) return static_cast<double>(map.sparse()->nonZeros());
    return static_cast<double>(map.rows()) * static_cast<double>(map.columns());
}

// Small systems gain nothing from sparsity, and the dense factor has safer pivots.
bool sparsity_pays(const System& system) {
    if (!system.has_entries()) return false;
    const auto size = static_cast<double>(system.n() + system.m());
    const double entries = stored(*system.hessian) + 2 * stored(*system.jacobian);
    return size > 150 && entries < 0.1 * size * size;
}

}  // namespace

std::unique_ptr<LinearSolver> make_solver(Inner inner, const System& system,
                                          const InnerOptions& options) {
    switch (inner) {
        case Inner::Minres:
            return make_minres(options);
        case Inner::Gaussian:
            return make_gaussian(options);
        case Inner::Kaczmarz:
            return make_kaczmarz(options);
        case Inner::BlockGaussian:
        case Inner::BlockSparseSign:
        case Inner::BlockCountSketch:
        case Inner::BlockSrht:
            return make_block_project(inner, options);
        case Inner::Ldlt:
            break;
        case Inner::Auto:
            if (!system.has_entries() && system.n() > few_products) return make_minres(options);
            break;
    }
    return sparsity_pays(system) ? make_sparse_ldlt() : make_dense_ldlt();
}

}  // namespace cycloid::newton
