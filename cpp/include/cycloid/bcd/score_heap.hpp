// A maximum heap of scores that can change: O(log n) a change, the k largest in O(k log k).
#pragma once

#include <algorithm>
#include <numeric>
#include <queue>
#include <utility>
#include <vector>

#include "cycloid/core/parallel.hpp"

namespace cycloid::bcd {

class ScoreHeap {
public:
    void assign(std::vector<double> scores) {
        scores_ = std::move(scores);
        heap_.resize(scores_.size());
        place_.resize(scores_.size());
        std::iota(heap_.begin(), heap_.end(), Index{0});
        std::iota(place_.begin(), place_.end(), Index{0});
        for (Index k = size() / 2 - 1; k >= 0; --k) sink(k);
    }
    Index size() const { return std::ssize(heap_); }
    double score(Index i) const { return scores_[i]; }
    void change(Index i, double score) {
        const double before = std::exchange(scores_[i], score);
        if (score > before) rise(place_[i]);
        if (score < before) sink(place_[i]);
    }
    // The `count` largest, in falling order; equal ones in no order that matters.
    void largest(Index count, std::vector<Index>& out) const {
        out.clear();
        const auto less = [&](Index a, Index b) { return scores_[heap_[a]] < scores_[heap_[b]]; };
        std::priority_queue<Index, std::vector<Index>, decltype(less)> front(less);
        if (!heap_.empty()) front.push(0);
        while (std::ssize(out) < count && !front.empty()) {
            const Index k = front.top();
            front.pop();
            out.push_back(heap_[k]);
            for (const Index child : {2 * k + 1, 2 * k + 2}) {
                if (child < size()) front.push(child);
            }
        }
    }

private:
    double at(Index k) const { return scores_[heap_[k]]; }
    void swap(Index a, Index b) {
        std::swap(heap_[a], heap_[b]);
        place_[heap_[a]] = a;
        place_[heap_[b]] = b;
    }
    void rise(Index k) {
        for (; k > 0 && at(k) > at((k - 1) / 2); k = (k - 1) / 2) swap(k, (k - 1) / 2);
    }
    void sink(Index k) {
        for (;;) {
            Index best = k;
            for (const Index child : {2 * k + 1, 2 * k + 2}) {
                if (child < size() && at(child) > at(best)) best = child;
            }
            if (best == k) return;
            swap(k, best);
            k = best;
        }
    }

    std::vector<double> scores_;
    std::vector<Index> heap_, place_;
};

}  // namespace cycloid::bcd
