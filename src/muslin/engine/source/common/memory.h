// Shapes and workspace used by the operators of every precision.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <system_error>

#define INLINE static inline __attribute__((always_inline))

constexpr int TAPS = 9;  // taps of a 3x3 kernel

// Shape of a batch of images that enters a 3x3 convolution, and number of output channels.
struct Shape {
    int64_t images, height, width, in, out;
    int64_t pixels() const { return height * width; }
};

INLINE int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

// A workspace: one block of memory divided equally among the threads of a call. It only grows, so that a training step
// allocates nothing. A call never reads a value that it has not written.
class Scratch {
  public:
    template <class T>
    class Parts {
      public:
        Parts(char *start, size_t stride) : start_(start), stride_(stride) {}
        T *operator[](int thread) const { return reinterpret_cast<T *>(start_ + thread * stride_); }

      private:
        char *start_;
        size_t stride_;
    };

    Scratch() = default;
    Scratch(const Scratch &) = delete;
    Scratch &operator=(const Scratch &) = delete;
    ~Scratch() { free(data_); }

    template <class T>
    Parts<T> parts(int threads, size_t count) {
        const size_t stride = (count * sizeof(T) + PAGE - 1) / PAGE * PAGE;  // no two threads write to one cache line
        if (stride * threads > size_) {
            free(data_);
            size_ = 0;
            data_ = aligned_alloc(PAGE, stride * threads);
            if (!data_) throw std::bad_alloc();
            size_ = stride * threads;
        }
        return Parts<T>(static_cast<char *>(data_), stride);
    }

    template <class T>
    T *whole(size_t count) {
        return parts<T>(1, count)[0];
    }

  private:
    static constexpr size_t PAGE = 4096;
    void *data_ = nullptr;
    size_t size_ = 0;
};

// Functions called from Python return 0 on success, or 1 if memory or threads could not be allocated.
template <class F>
static int guarded(F run) {
    try {
        run();
        return 0;
    } catch (const std::bad_alloc &) {
        return 1;
    } catch (const std::system_error &) {
        return 1;
    }
}
