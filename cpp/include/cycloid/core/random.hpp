// Randomness is a value: a number is a function of (seed, counter), so results do not depend on the
// number of threads or on who asked first.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>
#include <span>
#include <utility>

namespace cycloid {

// SplitMix64's finalizer over a Weyl sequence (Steele, Lea & Flood, OOPSLA 2014).
class Random {
public:
    explicit Random(std::uint64_t seed, std::uint64_t counter = 0)
        : seed_(mix(seed + 0x9e3779b97f4a7c15ULL)), counter_(counter) {}

    static std::uint64_t mix(std::uint64_t z) {
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
        return z ^ (z >> 31);
    }
    std::uint64_t at(std::uint64_t counter) const {
        return mix(seed_ + 0x9e3779b97f4a7c15ULL * (counter + 1));
    }
    std::uint64_t next() { return at(counter_++); }
    double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }  // in [0, 1)

    // The standard normal number of this index (Box & Muller), whatever was drawn before.
    double normal(std::uint64_t index) const {
        // In (0, 1]: its logarithm is finite.
        const double radius = (static_cast<double>(at(2 * index) >> 11) + 1) * 0x1.0p-53;
        const double angle = static_cast<double>(at(2 * index + 1) >> 11) * 0x1.0p-53;
        return std::sqrt(-2 * std::log(radius)) * std::cos(2 * std::numbers::pi * angle);
    }

    // An integer in [0, bound), without modulo bias that matters (bound << 2^64).
    std::uint64_t below(std::uint64_t bound) {
        __extension__ using wide = unsigned __int128;
        return static_cast<std::uint64_t>((static_cast<wide>(next()) * bound) >> 64);
    }
    template <class T>
    void shuffle(std::span<T> values) {
        for (std::size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[below(i)]);
    }

private:
    std::uint64_t seed_, counter_;
};

}  // namespace cycloid
