#include "cycloid/relu/network.hpp"

#include <Eigen/QR>
#include <algorithm>
#include <cmath>

#include "cycloid/core/parallel.hpp"
#include "cycloid/relu/lbfgs.hpp"
#include "cycloid/relu/normal.hpp"

namespace cycloid::relu {
namespace {

constexpr Index grain = 512;  // samples a piece

double work_of(const MatrixView& x, const Network& network) {
    return double(x.rows()) * double(network.u.cols()) *
           double(network.u.rows() + network.a.rows());
}

// hidden <- (X U)_+, output <- hidden A' + 1 c'
void forward(const MatrixView& x, const Network& network, const Context& context, Matrix& hidden,
             Matrix& output) {
    hidden.resize(x.rows(), network.u.cols());
    output.resize(x.rows(), network.a.rows());
    parallel_blocks(context.team(work_of(x, network)), x.rows(), grain,
                    [&](Index begin, Index end) {
                        const Index count = end - begin;
                        auto h = hidden.middleRows(begin, count);
                        h.noalias() = x.middleRows(begin, count) * network.u;
                        h = h.cwiseMax(0.0);
                        auto z = output.middleRows(begin, count);
                        z.noalias() = h * network.a.transpose();
                        z.rowwise() += network.c;
                    });
}

// Whose coefficients the vectors' combinations that vanish are, one a column.
Matrix null_space(const Matrix& vectors) {
    Eigen::ColPivHouseholderQR<Matrix> qr(vectors);
    qr.setThreshold(1e-12);
    const Index m = vectors.cols(), rank = qr.rank();
    Matrix basis = Matrix::Zero(m, m - rank);
    if (rank < m) {
        const auto r = qr.matrixR().topLeftCorner(rank, rank).triangularView<Eigen::Upper>();
        basis.topRows(rank) = -r.solve(qr.matrixR().topRightCorner(rank, m - rank));
        basis.bottomRows(m - rank).setIdentity();
    }
    return qr.colsPermutation() * basis;
}

// Weights t >= 0 of the vectors, from ones, with the same sum and no larger cost: each null vector
// is followed downhill until a weight is zero (Caratheodory).
Vector sparse_weights(Matrix basis, const Vector& cost) {
    Vector t = Vector::Ones(cost.size());
    for (Index left = basis.cols(); left > 0; --left) {
        auto z = basis.col(left - 1);
        if (z.dot(cost) < 0) z = -z;
        Index first = -1;
        double length = 0;
        for (Index j = 0; j < t.size(); ++j) {
            if (!(z[j] > 0) || t[j] == 0) continue;
            if (first < 0 || t[j] < length * z[j]) {
                length = t[j] / z[j];
                first = j;
            }
        }
        if (first < 0) continue;
        t = (t - length * z).cwiseMax(0.0).eval();
        t[first] = 0;
        for (Index k = 0; k < left - 1; ++k) {  // those that remain leave this weight at zero
            basis.col(k) -= basis(first, k) / z[first] * z;
            basis(first, k) = 0;
            basis.col(k).normalize();
        }
    }
    return t;
}

}  // namespace

Matrix predict(const MatrixView& x, const Network& network, const Context& context) {
    Matrix hidden, output;
    forward(x, network, context, hidden, output);
    return output;
}

double NetworkObjective::value(const Network& at, const Context& context) const {
    return loss_.value(predict(x_, at, context)) + penalty(at);
}

double NetworkObjective::value(const Network& at, Network& gradient, const Context& context) {
    forward(x_, at, context, hidden_, output_);
    loss_.gradient(output_, slope_);
    const Index n = x_.rows();
    const auto pieces = static_cast<std::size_t>((n + grain - 1) / grain);
    std::vector<Matrix> u_parts(pieces), a_parts(pieces);
    parallel_blocks(context.team(work_of(x_, at)), n, grain, [&](Index begin, Index end) {
        const Index count = end - begin;
        const auto piece = static_cast<std::size_t>(begin / grain);
        const auto h = hidden_.middleRows(begin, count);
        const auto s = slope_.middleRows(begin, count);
        a_parts[piece].noalias() = s.transpose() * h;
        Matrix back = s * at.a;
        back = (h.array() > 0).select(back, 0.0);
        u_parts[piece].noalias() = x_.middleRows(begin, count).transpose() * back;
    });
    gradient.u = alpha_ * at.u;
    gradient.a = alpha_ * at.a;
    for (const Matrix& part : u_parts) gradient.u += part;
    for (const Matrix& part : a_parts) gradient.a += part;
    gradient.c = intercept_ ? RowVector(slope_.colwise().sum()) : RowVector::Zero(at.a.rows());
    return loss_.value(output_) + penalty(at);
}

Network subset(const Network& network, const std::vector<Index>& neurons) {
    return {network.u(Eigen::all, neurons), network.a(Eigen::all, neurons), network.c};
}

Network balanced(const Network& network) {
    std::vector<Index> alive;
    for (Index j = 0; j < network.u.cols(); ++j) {
        if (network.u.col(j).norm() * network.a.col(j).norm() > 0) alive.push_back(j);
    }
    Network out = subset(network, alive);
    for (Index j = 0; j < out.u.cols(); ++j) {
        const double ratio = std::sqrt(out.a.col(j).norm() / out.u.col(j).norm());
        out.u.col(j) *= ratio;
        out.a.col(j) /= ratio;
    }
    return out;
}

Network pruned(const MatrixView& x, const Network& network, const Context& context) {
    Network out = balanced(network);
    if (out.u.cols() == 0) return out;
    Matrix hidden, output;
    forward(x, out, context, hidden, output);
    const Index n = x.rows(), m = out.u.cols(), outputs = out.a.rows();
    Matrix vectors(n * outputs, m);
    for (Index j = 0; j < m; ++j) {
        for (Index k = 0; k < outputs; ++k) {
            vectors.col(j).segment(k * n, n) = out.a(k, j) * hidden.col(j);
        }
    }
    const Vector t = sparse_weights(null_space(vectors), out.u.colwise().squaredNorm());
    out.u *= t.cwiseSqrt().asDiagonal();
    out.a *= t.cwiseSqrt().asDiagonal();
    return balanced(out);
}

namespace {

// One run of L-BFGS from `network`, which it lowers.
LbfgsResult run_lbfgs(NetworkObjective& objective, Network& network, const LbfgsOptions& options,
                      const Context& context) {
    const Index d = network.u.rows(), m = network.u.cols(), outputs = network.a.rows();
    const auto unpack = [&](const Vector& z, Network& to) {
        to.u = z.head(d * m).reshaped(d, m);
        to.a = z.segment(d * m, outputs * m).reshaped(outputs, m);
        to.c = z.tail(outputs).transpose();
    };
    const auto pack = [&](const Network& from, Vector& z) {
        z.resize((d + outputs) * m + outputs);
        z << from.u.reshaped(), from.a.reshaped(), from.c.transpose();
    };
    Network at, slope;
    const Function function = [&](const Vector& z, Vector& gradient) {
        unpack(z, at);
        const double value = objective.value(at, slope, context);
        pack(slope, gradient);
        return value;
    };
    Vector z;
    pack(network, z);
    const LbfgsResult found = minimise_lbfgs(function, z, options, context);
    unpack(z, network);
    return found;
}

// Without neurons that are a millionth of the largest and on their way to zero, if that is no
// worse than `value`.
Network without_dying(const NetworkObjective& objective, const Network& network, double& value,
                      const Context& context) {
    Network all = balanced(network);
    if (all.u.cols() == 0) return all;
    const Vector size = all.u.colwise().squaredNorm();
    std::vector<Index> kept;
    for (Index j = 0; j < size.size(); ++j) {
        if (size[j] > 1e-6 * size.maxCoeff()) kept.push_back(j);
    }
    Network fewer = subset(all, kept);
    const double without = objective.value(fewer, context);
    if (!(without <= value)) return all;
    value = without;
    return fewer;
}

}  // namespace

LocalMinimum local_search(NetworkObjective& objective, Network start, const LocalOptions& options,
                          const Context& context) {
    constexpr Index first_stage = 50;
    LbfgsOptions lbfgs;
    lbfgs.gradient_tol = options.gradient_tol * objective.alpha();
    lbfgs.decrease_tol = options.decrease_tol;
    LocalMinimum out{std::move(start), 0, 0, Status::MaxIter};
    out.value = objective.value(out.network, context);
    // Stages: the neurons that die in one need not be carried through the next.
    for (Index stage = first_stage; out.n_iter < options.max_iter; stage *= 2) {
        lbfgs.max_iter = std::min(stage, options.max_iter - out.n_iter);
        const LbfgsResult found = run_lbfgs(objective, out.network, lbfgs, context);
        out.value = found.value;
        out.n_iter += std::max<Index>(found.n_iter, 1);
        out.status = found.status;
        if (!std::isfinite(found.value)) return out;
        out.network = without_dying(objective, out.network, out.value, context);
        if (found.status != Status::MaxIter) break;
    }
    return out;
}

Network random_network(Index inputs, Index outputs, Index neurons, std::uint64_t seed) {
    Network network;
    const double norm = 1 / std::sqrt(double(neurons));
    network.u = normal_matrix(inputs, neurons, seed) * (norm / std::sqrt(double(inputs)));
    network.a = normal_matrix(outputs, neurons, seed + 1) * (norm / std::sqrt(double(outputs)));
    network.c = RowVector::Zero(outputs);
    return network;
}

}  // namespace cycloid::relu
