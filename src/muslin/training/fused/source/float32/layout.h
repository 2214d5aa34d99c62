// Between images [pixel][channel] and the planes that the products read: [position of 36][tile][channel].
#pragma once

#include "transforms.h"

// The 4x4 tiles that cover the images of a group, one image after the other. Those at an edge reach over it.
struct Tiles {
    int64_t height, width;
    int64_t columns() const { return divide_up(width, TILE); }
    int64_t an_image() const { return divide_up(height, TILE) * columns(); }

    // Where the SIZE x SIZE pixels are that begin `border` pixels above and left of a tile; `outside` stands for those
    // that are not in the image, which may be `apart` from one another.
    template <int SIZE, class T>
    void find(T *images, int64_t channels, int64_t tile, int border, T *outside, int64_t apart,
              T *(&at)[SIZE][SIZE]) const {
        const int64_t within = tile % an_image();
        const int64_t top = within / columns() * TILE - border, left = within % columns() * TILE - border;
        T *const image = images + tile / an_image() * height * width * channels;
        for (int y = 0; y < SIZE; y++)
            for (int x = 0; x < SIZE; x++) {
                const bool inside = top + y >= 0 && top + y < height && left + x >= 0 && left + x < width;
                at[y][x] = inside ? image + ((top + y) * width + left + x) * channels : outside + (y * SIZE + x) * apart;
            }
    }
};

// Planes are an odd number of cache lines apart: with a power of two all would fight for the same lines of the cache.
INLINE int64_t plane_size(int64_t tiles, int64_t channels) { return (divide_up(tiles * channels, 16) | 1) * 16; }

// Tiles first .. first + count -> planes. T is Input or OutputGradient; `zeros` are as many as there are channels.
template <class T>
static void to_planes(const float *images, const Tiles &tiles, int64_t channels, int64_t first, int64_t count,
                      const float *zeros, float *planes) {
    const int64_t apart = plane_size(count, channels);
    for (int64_t t = 0; t < count; t++) {
        const float *at[T::FROM][T::FROM];
        tiles.find(images, channels, first + t, T::FROM == PATCH, zeros, 0, at);
        float *to = planes + t * channels;
        for (int64_t k = 0; k < channels; k += LANES, to += LANES)
            transform<T>([&](int y, int x) { return load(at[y][x] + k); },
                         [&](int y, int x, __m256 v) { store(to + (y * PATCH + x) * apart, v); });
    }
}

// products [position][tile][16 or 8 channels] -> channels k .. of the images. Output writes, and adds the bias;
// InputGradient adds to what is there, for patches overlap. `room` is for pixels beyond the edge, a place for each: in
// one place for all, each sum waited for the one before, and the transform took 40% longer.
template <class T>
static void from_products(const float *products, const Tiles &tiles, int64_t channels, int64_t k, int64_t some,
                          int64_t first, int64_t count, const float *bias, float *room, float *images) {
    const int64_t apart = plane_size(count, some);
    for (int64_t t = 0; t < count; t++) {
        float *at[T::TO][T::TO];
        tiles.find(images, channels, first + t, T::TO == PATCH, room, COLUMNS, at);
        for (int64_t lane = 0; lane < some; lane += LANES) {
            const float *from = products + t * some + lane;
            const int64_t channel = k + lane;
            const __m256 added = bias ? load(bias + channel) : _mm256_setzero_ps();
            transform<T>([&](int y, int x) { return load(from + (y * PATCH + x) * apart); },
                         [&](int y, int x, __m256 v) {
                             float *to = at[y][x] + channel;
                             store(to, v + (T::TO == PATCH ? load(to) : added));
                         });
        }
    }
}

INLINE int64_t block_of(int64_t channels, int64_t k) { return std::min<int64_t>(COLUMNS, channels - k); }

// Transformed weights: [block of 16 columns][position][row][column]; the last block may be of 8 columns.
INLINE float *packed_at(float *packed, int64_t rows, int64_t columns, int64_t row, int64_t column) {
    const int64_t start = column / 16 * 16, some = block_of(columns, start);
    return packed + start * POSITIONS * rows + row * some + column % 16;
}

INLINE void pack(const __m256 (&taps)[TAPS], float *to, int64_t apart) {
    transform<Weight>([&](int y, int x) { return taps[y * 3 + x]; },
                      [&](int y, int x, __m256 v) { store(to + (y * PATCH + x) * apart, v); });
}

// Weights (out, tap, in) for the forward product: rows are inputs, columns are outputs.
static void pack_weights(const float *weights, int64_t in, int64_t out, float *packed, int threads) {
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t o = 0; o < out; o += LANES)
        for (int64_t i = 0; i < in; i += LANES) {
            __m256 taps[TAPS][LANES];
            for (int t = 0; t < TAPS; t++) {
#pragma GCC unroll 8
                for (int lane = 0; lane < LANES; lane++) taps[t][lane] = load(weights + ((o + lane) * TAPS + t) * in + i);
                transpose8(taps[t]);
            }
            for (int lane = 0; lane < LANES; lane++) {
                __m256 each[TAPS];
                for (int t = 0; t < TAPS; t++) each[t] = taps[t][lane];
                pack(each, packed_at(packed, in, out, i + lane, o), in * block_of(out, o / 16 * 16));
            }
        }
}

// The same for the input gradient: rows are outputs, columns are inputs.
static void pack_weights_transposed(const float *weights, int64_t in, int64_t out, float *packed, int threads) {
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t i = 0; i < in; i += LANES)
        for (int64_t o = 0; o < out; o++) {
            __m256 taps[TAPS];
            for (int t = 0; t < TAPS; t++) taps[t] = load(weights + (o * TAPS + t) * in + i);
            pack(taps, packed_at(packed, out, in, o, i), out * block_of(in, i / 16 * 16));
        }
}
