// Runs the test cases of all test_*.cpp; an argument restricts the run to the names it is part of.
#include <cstring>

#include "check.hpp"

int main(int argc, char** argv) {
    int run = 0;
    for (const check::Case& test : check::cases()) {
        if (argc > 1 && std::strstr(test.name, argv[1]) == nullptr) continue;
        const int before = check::failures;
        try {
            test.body();
        } catch (const std::exception& error) {
            check::report(false, error.what(), test.name, 0);
        }
        if (check::failures != before) std::fprintf(stderr, "test failed: %s\n", test.name);
        ++run;
    }
    std::printf("%s: %d tests, %ld checks, %d failures\n", CYCLOID_LEVEL, run, check::checks,
                check::failures);
    return check::failures == 0 && run > 0 ? 0 : 1;
}
