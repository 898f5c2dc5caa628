#include "check.hpp"
#include "cycloid/newton/inner.hpp"
#include "newton_sums.hpp"

using cycloid::Index;
using namespace cycloid::newton;

namespace {

constexpr Inner blocks[] = {Inner::BlockGaussian, Inner::BlockSparseSign, Inner::BlockCountSketch,
                            Inner::BlockSrht};

// Products of a matrix, without its entries.
class Products final : public LinearMap {
public:
    explicit Products(Matrix entries) : entries_(std::move(entries)) {}
    Index rows() const override { return entries_.rows(); }
    Index columns() const override { return entries_.cols(); }
    Vector times(const Vector& v) const override { return entries_ * v; }
    Vector transposed_times(const Vector& v) const override { return entries_.transpose() * v; }

private:
    Matrix entries_;
};

System example(Index n, Index m) {
    const Matrix a = sums::normal(n, n, 1);
    const Matrix h = Matrix::Identity(n, n) + 0.1 * (a + a.transpose());
    return {make_map(h), make_map(sums::normal(m, n, 2))};
}

}  // namespace

TEST_CASE("block sketch-and-project solves dense, sparse and implicit systems") {
    const System dense = example(20, 4);
    const System sparse{make_map(SparseMatrix(dense.hessian->dense()->sparseView())),
                        make_map(SparseMatrix(dense.jacobian->dense()->sparseView()))};
    const System implicit{std::make_shared<Products>(*dense.hessian->dense()),
                          std::make_shared<Products>(*dense.jacobian->dense())};
    const Vector b = sums::normal(24, 1, 3);
    for (const Inner inner : blocks) {
        Vector first;
        for (const System* system : {&dense, &sparse, &implicit}) {
            const auto solver = make_block_project(inner, {});
            CHECK(solver->prepare(*system, {}) == Inertia::Unknown);
            Vector z = Vector::Zero(24);
            CHECK(solver->solve(b, 1e-8, z, {}) <= 1e-8);
            CHECK((system->times(z) - b).norm() <= 1e-8 * b.norm());
            CHECK(solver->iterations() > 1);
            if (first.size() == 0) first = z;
            CHECK((z - first).norm() < 1e-5);
        }
    }
}

TEST_CASE("block sketch-and-project: a block of all unknowns solves at once") {
    const System system = example(10, 2);
    InnerOptions options;
    options.block = 12;
    const auto solver = make_block_project(Inner::BlockGaussian, options);
    solver->prepare(system, {});
    Vector z = Vector::Zero(12);
    CHECK(solver->solve(sums::normal(12, 1, 3), 1e-10, z, {}) <= 1e-10);
    CHECK(solver->iterations() == 1);
    CHECK(solver->solve(Vector::Zero(12), 1e-10, z, {}) == 0 && z.isZero(0));
}
