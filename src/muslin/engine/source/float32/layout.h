// Conversion between images [pixel][channel] and the planes that the products read: [position of 36][tile][channel].
#pragma once

#include "tiles.h"
#include "transforms.h"

// Addresses of the HEIGHT x WIDTH pixels that begin `border` pixels above and left of a tile; pixels outside the image use
// `outside`, `apart` values from one another.
template <int HEIGHT, int WIDTH, class T>
INLINE void find(const Tiling &tiling, T *images, int64_t channels, const Tile &tile, int border, T *outside, int64_t apart,
                 T *(&at)[HEIGHT][WIDTH]) {
    const int64_t top = tile.top - border, left = tile.left - border;
    T *row = images + ((tile.image * tiling.height + top) * tiling.width + left) * channels;
    for (int y = 0; y < HEIGHT; y++, row += tiling.width * channels) {
        const bool row_inside = (uint64_t)(top + y) < (uint64_t)tiling.height;
        for (int x = 0; x < WIDTH; x++) {
            const bool inside = row_inside & ((uint64_t)(left + x) < (uint64_t)tiling.width);
            at[y][x] = inside ? row + x * channels : outside + (y * WIDTH + x) * apart;
        }
    }
}

// Planes are an odd number of cache lines apart: with a power of two, all planes would compete for the same cache lines.
INLINE int64_t plane_size(int64_t tiles, int64_t channels) { return (divide_up(tiles * channels, 16) | 1) * 16; }

// Index, among the 36 planes, of value (y, x) of a transformed tile.
template <int HEIGHT, int WIDTH>
INLINE int64_t plane(int y, int x) {
    return place<HEIGHT>(y) * PATCH + place<WIDTH>(x);
}

// A tile -> planes, starting at `to`. T is Input or OutputGradient; `zeros` has one zero per channel.
template <template <int> class T, int HEIGHT, int WIDTH>
static void tile_to_planes(const float *images, const Tiling &tiling, int64_t channels, const Tile &tile,
                           const float *zeros, int64_t apart, float *to) {
    using Down = T<HEIGHT>;
    using Along = T<WIDTH>;
    const float *at[Down::FROM][Along::FROM];
    find(tiling, images, channels, tile, Down::FROM > HEIGHT, zeros, 0, at);
    for (int64_t k = 0; k < channels; k += LANES, to += LANES)
        transform<Down, Along>([&](int y, int x) { return load(at[y][x] + k); },
                               [&](int y, int x, __m256 v) { store(to + plane<HEIGHT, WIDTH>(y, x) * apart, v); });
}

template <template <int> class T>
static void to_planes(const float *images, const Chunk &chunk, int64_t channels, const float *zeros, float *planes) {
    static constexpr decltype(&tile_to_planes<T, 4, 4>) SIZES[3][3] = {
        {tile_to_planes<T, 2, 2>, tile_to_planes<T, 2, 3>, tile_to_planes<T, 2, 4>},
        {tile_to_planes<T, 3, 2>, tile_to_planes<T, 3, 3>, tile_to_planes<T, 3, 4>},
        {tile_to_planes<T, 4, 2>, tile_to_planes<T, 4, 3>, tile_to_planes<T, 4, 4>}};
    const int64_t apart = plane_size(chunk.count, channels);
    for (const Tile &tile : chunk) {
        SIZES[tile.height - 2][tile.width - 2](images, chunk.tiling, channels, tile, zeros, apart, planes);
        planes += channels;
    }
}

// Products of a tile [position][tile][16 or 8 channels] -> channels from k on of the images. Output writes and adds the
// bias; InputGradient adds to existing values, because patches overlap. `room` receives pixels beyond the edge, each at its
// own address: with one address for all, every sum waited for the previous one, and the transform took 40% longer.
template <template <int> class T, int HEIGHT, int WIDTH>
static void tile_from_products(const float *products, int64_t apart, const Tiling &tiling, int64_t channels, int64_t k,
                               int64_t some, const Tile &tile, const float *bias, float *room, float *images) {
    using Down = T<HEIGHT>;
    using Along = T<WIDTH>;
    constexpr bool OVERLAP = Down::TO > HEIGHT;
    float *at[Down::TO][Along::TO];
    find(tiling, images, channels, tile, OVERLAP, room, COLUMNS, at);
    for (int64_t lane = 0; lane < some; lane += LANES) {
        const float *from = products + lane;
        const int64_t channel = k + lane;
        const __m256 added = bias ? load(bias + channel) : _mm256_setzero_ps();
        transform<Down, Along>([&](int y, int x) { return load(from + plane<HEIGHT, WIDTH>(y, x) * apart); },
                               [&](int y, int x, __m256 v) {
                                   float *to = at[y][x] + channel;
                                   store(to, v + (OVERLAP ? load(to) : added));
                               });
    }
}

template <template <int> class T>
static void from_products(const float *products, const Chunk &chunk, int64_t channels, int64_t k, int64_t some,
                          const float *bias, float *room, float *images) {
    static constexpr decltype(&tile_from_products<T, 4, 4>) SIZES[3][3] = {
        {tile_from_products<T, 2, 2>, tile_from_products<T, 2, 3>, tile_from_products<T, 2, 4>},
        {tile_from_products<T, 3, 2>, tile_from_products<T, 3, 3>, tile_from_products<T, 3, 4>},
        {tile_from_products<T, 4, 2>, tile_from_products<T, 4, 3>, tile_from_products<T, 4, 4>}};
    const int64_t apart = plane_size(chunk.count, some);
    for (const Tile &tile : chunk) {
        SIZES[tile.height - 2][tile.width - 2](products, apart, chunk.tiling, channels, k, some, tile, bias, room, images);
        products += some;
    }
}

INLINE int64_t block_of(int64_t channels, int64_t k) { return std::min<int64_t>(COLUMNS, channels - k); }

// Transformed weights: [block of 16 columns][position][row][column]; the last block may have 8 columns.
INLINE float *packed_at(float *packed, int64_t rows, int64_t columns, int64_t row, int64_t column) {
    const int64_t start = column / 16 * 16, some = block_of(columns, start);
    return packed + start * POSITIONS * rows + row * some + column % 16;
}

INLINE void pack(const __m256 (&taps)[TAPS], float *to, int64_t apart) {
    transform<Weight, Weight>([&](int y, int x) { return taps[y * 3 + x]; },
                      [&](int y, int x, __m256 v) { store(to + (y * PATCH + x) * apart, v); });
}

// Weights (out, tap, in) for the forward product: rows are inputs, columns are outputs.
static void pack_weights(const float *weights, int64_t in, int64_t out, float *packed, int threads) {
    in_shares(out / LANES, threads, [&](int, int64_t block) {
        const int64_t o = block * LANES;
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
    });
}

// The same for the input gradient: rows are outputs, columns are inputs.
static void pack_weights_transposed(const float *weights, int64_t in, int64_t out, float *packed, int threads) {
    in_shares(in / LANES, threads, [&](int, int64_t block) {
        const int64_t i = block * LANES;
        for (int64_t o = 0; o < out; o++) {
            __m256 taps[TAPS];
            for (int t = 0; t < TAPS; t++) taps[t] = load(weights + (o * TAPS + t) * in + i);
            pack(taps, packed_at(packed, out, in, o, i), out * block_of(in, i / 16 * 16));
        }
    });
}
