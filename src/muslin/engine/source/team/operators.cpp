// The thread pool that shares the work of one call.
//
// A training step calls it every 1 to 2 ms. Waking a sleeping thread takes a tenth of that, and more on a virtual machine.
// Waiting threads therefore stay awake for a while, but yield their core in every turn of the waiting loop. If other
// processes repeatedly take the core, the machine is busy; waiting threads then sleep, because the scheduler returns the
// core soonest to threads that slept.
//
// It is a separate library, so that all others share one pool: two pools would compete for the same cores.
#include <immintrin.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

class Team {
  public:
    explicit Team(int threads) : threads_(threads) {
        try {
            for (int t = 1; t < threads; t++) workers_.emplace_back([this, t] { work(t); });
        } catch (...) {
            dismiss();
            throw;
        }
    }
    Team(const Team &) = delete;
    Team &operator=(const Team &) = delete;
    ~Team() { dismiss(); }

    int threads() const { return threads_; }
    bool ours() const { return process_ == getpid(); }

    // Runs work(what, thread) on every thread of the pool; the calling thread is number 0.
    void run(void (*work)(void *, int), void *what) {
        begin(work, what);
        work(what, 0);
        wait([&] { return at_work_.load() == 0; }, done_);
    }

  private:
    using Work = void (*)(void *, int);
    using Clock = std::chrono::steady_clock;
    static constexpr std::chrono::milliseconds AWAKE{20};  // longer than the time between two calls of a training step
    static constexpr std::chrono::milliseconds LONG{1};  // for one turn of waiting; alone on a core it takes a microsecond
    static constexpr std::chrono::milliseconds OFTEN{30};  // two long turns within this time: the machine is busy,
    static constexpr std::chrono::milliseconds BUSY{100};  // for this time

    struct Bell {
        std::atomic<int> asleep{0};
        std::condition_variable rung;
    };

    void begin(Work work, void *what) {
        work_ = work;
        what_ = what;
        rounding_ = _mm_getcsr();  // also whether denormal numbers count as zero: as in the calling thread
        at_work_.store((int)workers_.size());
        call_.fetch_add(1);
        ring(called_);
    }

    void work(int thread) {
        for (uint64_t seen = 0;; seen++) {
            wait([&] { return call_.load() != seen; }, called_);
            if (!work_) return;
            _mm_setcsr(rounding_);
            work_(what_, thread);
            if (at_work_.fetch_sub(1) == 1) ring(done_);
        }
    }

    template <class Ready>
    void wait(Ready ready, Bell &bell) {
        if (ready()) return;
        Clock::time_point now = Clock::now();
        const Clock::time_point until = now + AWAKE;
        while (!ready()) {
            if (now < until && ticks(now) >= busy_until_.load(std::memory_order_relaxed)) {
                const Clock::time_point before = now;
                const int64_t switches = times_switched();
                sched_yield();
                now = Clock::now();
                // A turn is also long if a virtual machine was paused; then no other process ran here.
                if (now - before > LONG && times_switched() != switches) note_long_turn(now);
                continue;
            }
            std::unique_lock<std::mutex> lock(mutex_);
            bell.asleep.fetch_add(1);
            bell.rung.wait(lock, ready);
            bell.asleep.fetch_sub(1);
        }
    }

    void note_long_turn(Clock::time_point now) {
        const int64_t last = last_long_.exchange(ticks(now), std::memory_order_relaxed);
        if (ticks(now - OFTEN) < last) busy_until_.store(ticks(now + BUSY), std::memory_order_relaxed);
    }

    static int64_t ticks(Clock::time_point at) { return at.time_since_epoch().count(); }

    static int64_t times_switched() {  // from this thread to another, of any process
        rusage used;
        getrusage(RUSAGE_THREAD, &used);
        return used.ru_nvcsw + used.ru_nivcsw;
    }

    void ring(Bell &bell) {
        if (!bell.asleep.load()) return;
        const std::lock_guard<std::mutex> lock(mutex_);
        bell.rung.notify_all();
    }

    void dismiss() {
        begin(nullptr, nullptr);
        for (std::thread &worker : workers_) worker.join();
    }

    const int threads_;
    const pid_t process_ = getpid();
    Work work_ = nullptr;
    void *what_ = nullptr;
    unsigned rounding_ = 0;
    std::atomic<uint64_t> call_{0};  // number of calls so far
    std::atomic<int> at_work_{0};
    std::atomic<int64_t> last_long_{0}, busy_until_{0};
    std::mutex mutex_;
    Bell called_, done_;
    std::vector<std::thread> workers_;
};

// A forked child has a copy of its parent's pool, but none of its threads. The copy must be leaked: even its destructor
// would wait for the threads.
class Owner {
  public:
    ~Owner() { drop(); }
    Team &team(int threads) {
        if (!team_ || !team_->ours() || team_->threads() != threads) {
            drop();
            team_ = new Team(threads);
        }
        return *team_;
    }

  private:
    void drop() {
        if (team_ && team_->ours()) delete team_;
        team_ = nullptr;
    }
    Team *team_ = nullptr;
};

// Each calling thread has its own pool, as it has its own workspace.
static thread_local Owner owner;

extern "C" void muslin_on_threads(int threads, void (*work)(void *, int), void *what) { owner.team(threads).run(work, what); }
