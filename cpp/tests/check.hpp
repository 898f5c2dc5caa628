// A very small test harness: TEST_CASE("name") { CHECK(x == y); CHECK_CLOSE(a, b, 1e-12); }
// A failed check is printed and counted, and the test goes on.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <exception>
#include <vector>

namespace check {

struct Case {
    const char* name;
    void (*body)();
};

inline std::vector<Case>& cases() {
    static std::vector<Case> all;
    return all;
}

inline bool add(const char* name, void (*body)()) {
    cases().push_back({name, body});
    return true;
}

inline int failures = 0;
inline long checks = 0;

inline void report(bool passed, const char* what, const char* file, int line) {
    ++checks;
    if (passed) return;
    ++failures;
    std::fprintf(stderr, "%s:%d: failed: %s\n", file, line, what);
}

// The error allowed is relative to the larger value, and absolute below one.
inline void report_close(double a, double b, double tolerance, const char* what, const char* file,
                         int line) {
    const double scale = std::max({1.0, std::abs(a), std::abs(b)});
    const bool passed = std::abs(a - b) <= tolerance * scale;
    report(passed, what, file, line);
    if (!passed) std::fprintf(stderr, "    %.17g against %.17g\n", a, b);
}

}  // namespace check

#define CHECK_JOIN_NOW(a, b) a##b
#define CHECK_JOIN(a, b) CHECK_JOIN_NOW(a, b)
#define TEST_CASE(name)                                               \
    static void CHECK_JOIN(test_, __LINE__)();                        \
    [[maybe_unused]] static const bool CHECK_JOIN(added_, __LINE__) = \
        check::add(name, CHECK_JOIN(test_, __LINE__));                \
    static void CHECK_JOIN(test_, __LINE__)()

#define CHECK(condition) check::report(static_cast<bool>(condition), #condition, __FILE__, __LINE__)
#define CHECK_CLOSE(a, b, tolerance) \
    check::report_close(a, b, tolerance, #a " is close to " #b, __FILE__, __LINE__)
#define CHECK_THROWS(expression)                                          \
    do {                                                                  \
        bool thrown = false;                                              \
        try {                                                             \
            static_cast<void>(expression);                                \
        } catch (const std::exception&) {                                 \
            thrown = true;                                                \
        }                                                                 \
        check::report(thrown, #expression " throws", __FILE__, __LINE__); \
    } while (false)
