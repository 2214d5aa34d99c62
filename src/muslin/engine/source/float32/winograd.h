// The three products of a convolution of many channels, for the images of a group, in chunks of tiles that fit the cache.
#pragma once

#include "layout.h"
#include "products.h"

INLINE int64_t packed_weights(const Shape &s) { return POSITIONS * s.in * s.out; }

// Divides `total` items into nearly equal parts and runs fn(first, number) on each.
template <class F>
INLINE void in_parts(int64_t total, int64_t most, F fn) {
    const int64_t size = divide_up(total, divide_up(total, most));
    for (int64_t first = 0; first < total; first += size) fn(first, std::min(size, total - first));
}

// Workspace of one thread. `outside` stands for pixels beyond the edge: zeros to read, and space to write.
struct Workspace {
    float *input, *gradient, *products, *zeros, *room;
};

class Workspaces {
  public:
    Workspaces(const Shape &s, int threads, bool backward)
        : input_(scratch[INPUT_PLANES].parts<float>(threads, POSITIONS * plane_size(Chunk::MOST, s.in))),
          gradient_(scratch[GRADIENT_PLANES].parts<float>(threads, backward ? POSITIONS * plane_size(Chunk::MOST, s.out) : 1)),
          products_(scratch[PRODUCTS].parts<float>(threads, POSITIONS * plane_size(Chunk::MOST, COLUMNS))),
          outside_(scratch[OUTSIDE].parts<float>(threads, 2 * channels(s) + POSITIONS * COLUMNS)), channels_(channels(s)) {
        for (int t = 0; t < threads; t++) memset(outside_[t], 0, (2 * channels_ + POSITIONS * COLUMNS) * sizeof(float));
    }
    Workspace operator[](int thread) const {
        float *outside = outside_[thread];
        return {input_[thread], gradient_[thread], products_[thread], outside, outside + channels_};
    }

  private:
    static int64_t channels(const Shape &s) { return std::max(s.in, s.out); }
    Scratch::Parts<float> input_, gradient_, products_, outside_;
    int64_t channels_;
};

// planes * packed weights -> images [pixel][channel]; each block of 16 channels is transformed back while it is in the cache.
template <template <int> class T>
static void through_weights(const float *planes, const Chunk &chunk, int64_t depth, const float *packed, const float *bias,
                            const Workspace &work, int64_t channels, float *images) {
    for (int64_t k = 0; k < channels; k += COLUMNS) {
        const int64_t some = block_of(channels, k);
        for (int p = 0; p < POSITIONS; p++) {
            const int64_t from = chunk.from(p);
            multiply(planes + p * plane_size(chunk.count, depth) + from * depth, chunk.to(p) - from, depth,
                     packed + (k * POSITIONS + p * some) * depth, some,
                     work.products + p * plane_size(chunk.count, some) + from * some);
        }
        from_products<T>(work.products, chunk, channels, k, some, bias, work.room, images);
    }
}

// x [image][pixel][in] -> result [image][pixel][out]
static void convolve(const float *x, const Shape &s, int64_t images, const float *packed, const float *bias,
                     const Workspace &work, float *result) {
    const Tiling tiling{s.height, s.width};
    in_parts(images * tiling.an_image(), Chunk::MOST, [&](int64_t first, int64_t count) {
        const Chunk chunk(tiling, first, count);
        to_planes<Input>(x, chunk, s.in, work.zeros, work.input);
        through_weights<Output>(work.input, chunk, s.in, packed, bias, work, s.out, result);
    });
}

// Gradient [image][pixel][out] -> grad_x [image][pixel][in], unless null; sums [position][in][out] += gradient of the
// transformed weights.
static void convolve_backward(const float *x, const float *gradient, const Shape &s, int64_t images, const float *packed,
                              const Workspace &work, float *grad_x, float *sums) {
    const Tiling tiling{s.height, s.width};
    if (grad_x) memset(grad_x, 0, images * s.pixels() * s.in * sizeof(float));
    in_parts(images * tiling.an_image(), Chunk::MOST, [&](int64_t first, int64_t count) {
        const Chunk chunk(tiling, first, count);
        to_planes<OutputGradient>(gradient, chunk, s.out, work.zeros, work.gradient);
        if (grad_x)
            through_weights<InputGradient>(work.gradient, chunk, s.out, packed, nullptr, work, s.in, grad_x);
        to_planes<Input>(x, chunk, s.in, work.zeros, work.input);
        for (int p = 0; p < POSITIONS; p++) {
            const int64_t from = chunk.from(p), some = chunk.to(p) - from;
            if (some)
                add_transposed(work.input + p * plane_size(count, s.in) + from * s.in, s.in,
                               work.gradient + p * plane_size(count, s.out) + from * s.out, s.out, some,
                               sums + p * s.in * s.out);
        }
    });
}

// sums[thread] [position][in][out] -> grad_weight (out, tap, in)
static void gather_weight_gradient(Scratch::Parts<float> sums, const Shape &s, float *grad_weight, int threads) {
    in_shares(s.out / LANES, threads, [&](int, int64_t block) {
        const int64_t o = block * LANES;
        for (int64_t i = 0; i < s.in; i += LANES) {
            __m256 taps[TAPS][LANES];
            for (int lane = 0; lane < LANES; lane++)
                transform<WeightGradient, WeightGradient>(
                    [&](int y, int x) {
                        const int64_t at = ((y * PATCH + x) * s.in + i + lane) * s.out + o;
                        __m256 sum = load(sums[0] + at);
                        for (int t = 1; t < threads; t++) sum += load(sums[t] + at);
                        return sum;
                    },
                    [&](int y, int x, __m256 v) { taps[y * 3 + x][lane] = v; });
            for (int t = 0; t < TAPS; t++) {
                transpose8(taps[t]);
                for (int lane = 0; lane < LANES; lane++) store(grad_weight + ((o + lane) * TAPS + t) * s.in + i, taps[t][lane]);
            }
        }
    });
}
