// Work for a team of threads (source/team).
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

// work(what, thread) on so many threads, of which the one that calls is number 0.
extern "C" void muslin_on_threads(int threads, void (*work)(void *, int), void *what);

// fn(thread) on `threads` threads at once.
template <class F>
static void on_threads(int threads, F fn) {
    if (threads == 1) return fn(0);
    muslin_on_threads(threads, [](void *what, int thread) { (*static_cast<F *>(what))(thread); }, &fn);
}

// fn(thread, i) for i below `count`, on `threads` threads, each with a run of them: the same i's for the same numbers.
template <class F>
static void in_shares(int64_t count, int threads, F fn) {
    on_threads(threads, [&](int thread) {
        const int64_t share = count / threads, more = count % threads;  // the first `more` threads have one more
        const int64_t begin = thread * share + std::min<int64_t>(thread, more), end = begin + share + (thread < more);
        for (int64_t i = begin; i < end; i++) fn(thread, i);
    });
}

// The same, but whoever is free takes the next few: for what gives the same bits whichever thread does it.
template <class F>
static void in_turns(int64_t count, int threads, F fn) {
    const int64_t some = std::max<int64_t>(1, count / (16 * threads));
    std::atomic<int64_t> next{0};
    on_threads(threads, [&](int thread) {
        for (int64_t begin; (begin = next.fetch_add(some)) < count;)
            for (int64_t i = begin; i < std::min(count, begin + some); i++) fn(thread, i);
    });
}
