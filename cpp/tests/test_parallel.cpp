#include <sys/wait.h>
#include <unistd.h>

#include <numeric>
#include <vector>

#include "check.hpp"
#include "cycloid/core/parallel.hpp"

using cycloid::Index;

TEST_CASE("parallel: every index is visited once, by any number of threads") {
    for (const int threads : {1, 2, 5}) {
        for (const Index count : {0, 1, 3, 1000}) {
            std::vector<int> visits(static_cast<std::size_t>(count), 0);
            cycloid::parallel_for(threads, count, [&](Index i) { ++visits[i]; });
            CHECK(std::all_of(visits.begin(), visits.end(), [](int v) { return v == 1; }));
        }
    }
}

TEST_CASE("parallel: blocks are the same pieces for any number of threads") {
    for (const int threads : {1, 2, 5}) {
        std::vector<Index> ends(4, -1);
        cycloid::parallel_blocks(threads, 10, 3, [&](Index begin, Index end) {
            ends[static_cast<std::size_t>(begin / 3)] = end;
        });
        CHECK((ends == std::vector<Index>{3, 6, 9, 10}));
    }
}

TEST_CASE("parallel: at least one thread, and one alone in a child forked after threads ran") {
    CHECK(cycloid::default_threads() >= 1);
    CHECK(cycloid::usable_threads(1) == 1);
    cycloid::parallel_for(2, 4, [](Index) {});
    const pid_t child = fork();
    if (child == 0) {
        alarm(10);  // a hang ends as a failure
        const int threads = cycloid::usable_threads(2);
        int sum = 0;
        cycloid::parallel_for(threads, 4, [&](Index i) { sum += static_cast<int>(i); });
        _exit(threads == 1 && sum == 6 ? 0 : 1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
