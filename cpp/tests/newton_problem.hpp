// Small problems with equality constraints, for the tests of newton.
#pragma once

#include <cmath>

#include "cycloid/newton/problem.hpp"

// Hock & Schittkowski (1981), problem 40: -x1 x2 x3 x4 with three curved constraints; the optimum
// is -1/4.
class Hs40 : public cycloid::newton::Problem {
public:
    using Vector = cycloid::newton::Vector;
    using Matrix = cycloid::newton::Matrix;
    using Map = cycloid::newton::Map;

    static Vector start() { return Vector::Constant(4, 0.8); }

    cycloid::Index n() const override { return 4; }
    cycloid::Index m() const override { return 3; }
    double objective(const Vector& x) override { return -x.prod(); }
    Vector constraints(const Vector& x) override {
        return Vector{
            {std::pow(x[0], 3) + x[1] * x[1] - 1, x[0] * x[0] * x[3] - x[2], x[3] * x[3] - x[1]}};
    }
    Vector gradient(const Vector& x) override {
        return Vector{
            {-x[1] * x[2] * x[3], -x[0] * x[2] * x[3], -x[0] * x[1] * x[3], -x[0] * x[1] * x[2]}};
    }
    Map jacobian(const Vector& x) override {
        Matrix g = Matrix::Zero(3, 4);
        g(0, 0) = 3 * x[0] * x[0];
        g(0, 1) = 2 * x[1];
        g(1, 0) = 2 * x[0] * x[3];
        g(1, 2) = -1;
        g(1, 3) = x[0] * x[0];
        g(2, 1) = -1;
        g(2, 3) = 2 * x[3];
        return cycloid::newton::make_map(g);
    }
    Map hessian(const Vector& x, const Vector& y) override {
        Matrix h = Matrix::Zero(4, 4);
        for (int i = 0; i < 4; ++i) {
            for (int j = 0; j < i; ++j) {
                double product = -1;
                for (int k = 0; k < 4; ++k) product *= k == i || k == j ? 1.0 : x[k];
                h(i, j) = h(j, i) = product;
            }
        }
        h(0, 0) = 6 * y[0] * x[0] + 2 * y[1] * x[3];
        h(1, 1) = 2 * y[0];
        h(3, 3) = 2 * y[2];
        h(3, 0) = h(0, 3) = h(0, 3) + 2 * y[1] * x[0];
        return cycloid::newton::make_map(h);
    }
};

// x - log x, defined for positive x, least at 1.
class Logarithm final : public cycloid::newton::Problem {
public:
    using Vector = cycloid::newton::Vector;
    using Matrix = cycloid::newton::Matrix;
    using Map = cycloid::newton::Map;

    cycloid::Index n() const override { return 1; }
    cycloid::Index m() const override { return 0; }
    double objective(const Vector& x) override { return x[0] - std::log(x[0]); }
    Vector constraints(const Vector&) override { return Vector(0); }
    Vector gradient(const Vector& x) override { return Vector{{1 - 1 / x[0]}}; }
    Map jacobian(const Vector&) override { return cycloid::newton::make_map(Matrix(0, 1)); }
    Map hessian(const Vector& x, const Vector&) override {
        return cycloid::newton::make_map(Matrix{{1 / (x[0] * x[0])}});
    }
};
