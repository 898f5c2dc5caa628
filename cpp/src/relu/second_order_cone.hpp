// Many second-order cones { (t, v) : t >= |v| } of one dimension, side by side: Jordan algebra,
// step lengths and Nesterov-Todd scaling (Nesterov & Todd 1997; Vandenberghe 2010, sections 4
// and 5).
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <cmath>

#include "cycloid/relu/loss.hpp"

namespace cycloid::relu {

// A vector a column: heads t, tails v.
struct ConeVectors {
    Vector head;
    Matrix tail;

    void resize(Index dimension, Index count) {
        head.resize(count);
        tail.resize(dimension, count);
    }
    Index count() const { return head.size(); }
    double dot(const ConeVectors& other) const {
        return head.dot(other.head) + tail.cwiseProduct(other.tail).sum();
    }
    void add(double step, const ConeVectors& other) {
        head += step * other.head;
        tail += step * other.tail;
    }
};

// (t - |v|) (t + |v|), without the cancellation of squares.
inline double cone_determinant(double head, double norm) { return (head - norm) * (head + norm); }

// The largest step that keeps x + step dx in all cones, at most `most`.
double cone_step(const ConeVectors& x, const ConeVectors& dx, double most);

class NesterovToddScaling {
public:
    // W with W y = W^-1 x = lambda, for x and y inside the cones.
    void update(const ConeVectors& x, const ConeVectors& y);

    const ConeVectors& lambda() const { return lambda_; }
    void apply(const ConeVectors& u, ConeVectors& out) const { multiply(u, 1, out); }
    void apply_inverse(const ConeVectors& u, ConeVectors& out) const { multiply(u, -1, out); }
    // lambda \ u
    void divide(const ConeVectors& u, ConeVectors& out) const;

    // W^-2 of cone b = [first, row'; row, tail], and its Schur complement once the head is
    // eliminated: sphere (I - e e') + radial e e' with e the direction of `row`.
    double first(Index b) const { return (2 * w_.head[b] * w_.head[b] - 1) / square(eta_[b]); }
    auto row(Index b) const { return (-2 * w_.head[b] / square(eta_[b])) * w_.tail.col(b); }
    double sphere(Index b) const { return 1 / square(eta_[b]); }
    double radial(Index b) const { return sphere(b) / (2 * w_.head[b] * w_.head[b] - 1); }
    auto axis(Index b) const { return w_.tail.col(b); }

private:
    static double square(double x) { return x * x; }
    void multiply(const ConeVectors& u, double sign, ConeVectors& out) const;

    ConeVectors w_;  // of determinant one: W = eta times its quadratic representation's root
    ConeVectors lambda_;
    Vector eta_;
};

// u o v
void cone_product(const ConeVectors& u, const ConeVectors& v, ConeVectors& out);

// Applies a function to the two eigenvalues of each vector.
template <class Function>
void map_eigenvalues(ConeVectors& u, const Function& function) {
    for (Index b = 0; b < u.count(); ++b) {
        const double norm = u.tail.col(b).norm();
        const double high = function(u.head[b] + norm), low = function(u.head[b] - norm);
        u.head[b] = 0.5 * (high + low);
        if (norm > 0) u.tail.col(b) *= 0.5 * (high - low) / norm;
    }
}

}  // namespace cycloid::relu
