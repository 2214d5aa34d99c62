// The three products of a 3x3 convolution, built on VDPBF16PS: 16 lanes, two multiply-adds each, summed in float32.
//
//   forward, input gradient   pairs of channels;  14 pixels x 32 outputs stay in 28 registers
//   weight gradient           pairs of images, so nothing is transposed and odd widths need no padding
//
// Zero padding is neither stored nor multiplied: taps outside the image are skipped. This saves 18% of all products at 7x7
// pixels and 9% at 14x14.
#pragma once

#include "layout.h"

constexpr int TILE = 14;  // pixels; sums use 28 of the 32 registers

// One kernel column (at most 3 taps) for pixels FIRST..LAST and rows TOP..BOTTOM of a tile.
template <int P, int R, int FIRST, int LAST, int TOP, int BOTTOM>
INLINE void add_tap(__m512 (&sums)[R * P][2], const uint32_t *pixels, int64_t pitch, int64_t width, const bf16 *weights,
                    int64_t pairs) {
    for (int64_t c = 0; c < pairs; c++, pixels += pitch, weights += 64) {
        const __m512bh low = (__m512bh)_mm512_loadu_si512(weights), high = (__m512bh)_mm512_loadu_si512(weights + 32);
#pragma GCC unroll 2
        for (int r = TOP; r < BOTTOM; r++)
#pragma GCC unroll 16
            for (int p = FIRST; p < LAST; p++) {
                const __m512bh value = (__m512bh)_mm512_set1_epi32((int)pixels[r * width + p]);
                sums[r * P + p][0] = _mm512_dpbf16_ps(sums[r * P + p][0], low, value);
                sums[r * P + p][1] = _mm512_dpbf16_ps(sums[r * P + p][1], high, value);
            }
    }
}

// Position of a tile in the image.
struct Edges {
    bool left, right, top, bottom;
};

// One row of the kernel: three taps; the outer ones skip pixels at the image's edges.
template <int P, int R, int TOP, int BOTTOM>
INLINE void add_row(__m512 (&sums)[R * P][2], const uint32_t *pixels, int64_t pitch, int64_t width, const bf16 *weights,
                    int64_t pairs, const Edges &edges) {
    const int64_t tap = pairs * 64;
    if (edges.left)
        add_tap<P, R, 1, P, TOP, BOTTOM>(sums, pixels - 1, pitch, width, weights, pairs);
    else
        add_tap<P, R, 0, P, TOP, BOTTOM>(sums, pixels - 1, pitch, width, weights, pairs);
    add_tap<P, R, 0, P, TOP, BOTTOM>(sums, pixels, pitch, width, weights + tap, pairs);
    if (edges.right)
        add_tap<P, R, 0, P - 1, TOP, BOTTOM>(sums, pixels + 1, pitch, width, weights + 2 * tap, pairs);
    else
        add_tap<P, R, 0, P, TOP, BOTTOM>(sums, pixels + 1, pitch, width, weights + 2 * tap, pairs);
}

// R rows of P pixels x 32 outputs (16 if not `both`); result[pixel][channels] in float32.
template <int P, int R>
static void tile(const uint32_t *pixels, int64_t pitch, int64_t width, const bf16 *weights, int64_t pairs,
                 const float *bias, float *result, int64_t channels, const Edges &edges, bool both) {
    __m512 sums[R * P][2];
    const __m512 zero = _mm512_setzero_ps();
    const __m512 low = bias ? _mm512_loadu_ps(bias) : zero, high = bias && both ? _mm512_loadu_ps(bias + LANES) : zero;
#pragma GCC unroll 16
    for (int i = 0; i < R * P; i++) {
        sums[i][0] = low;
        sums[i][1] = high;
    }
    const int64_t row = 3 * pairs * 64;
    if (!edges.top)
        add_row<P, R, 0, R>(sums, pixels - width, pitch, width, weights, pairs, edges);
    else if (R == 2)
        add_row<P, R, 1, R>(sums, pixels - width, pitch, width, weights, pairs, edges);
    add_row<P, R, 0, R>(sums, pixels, pitch, width, weights + row, pairs, edges);
    if (!edges.bottom)
        add_row<P, R, 0, R>(sums, pixels + width, pitch, width, weights + 2 * row, pairs, edges);
    else if (R == 2)
        add_row<P, R, 0, R - 1>(sums, pixels + width, pitch, width, weights + 2 * row, pairs, edges);
#pragma GCC unroll 2
    for (int r = 0; r < R; r++)
#pragma GCC unroll 16
        for (int p = 0; p < P; p++) {
            float *to = result + (r * width + p) * channels;
            _mm512_storeu_ps(to, sums[r * P + p][0]);
            if (both) _mm512_storeu_ps(to + LANES, sums[r * P + p][1]);
        }
}

using Tile = void (*)(const uint32_t *, int64_t, int64_t, const bf16 *, int64_t, const float *, float *, int64_t,
                      const Edges &, bool);
static const Tile ONE_ROW[TILE + 1] = {nullptr,     tile<1, 1>,  tile<2, 1>,  tile<3, 1>,  tile<4, 1>,
                                       tile<5, 1>,  tile<6, 1>,  tile<7, 1>,  tile<8, 1>,  tile<9, 1>,
                                       tile<10, 1>, tile<11, 1>, tile<12, 1>, tile<13, 1>, tile<14, 1>};
static const Tile TWO_ROWS[TILE / 2 + 1] = {nullptr,    tile<1, 2>, tile<2, 2>, tile<3, 2>,
                                            tile<4, 2>, tile<5, 2>, tile<6, 2>, tile<7, 2>};

// Planes of `in` channels * packed weights (+ bias, if any) -> result[pixel][out]
static void convolve(const uint32_t *planes, const Shape &s, int64_t in, int64_t out, const bf16 *weights,
                     const float *bias, float *result) {
    const int64_t pitch = plane_pitch(s), chunks = divide_up(s.width, TILE), step = divide_up(s.width, chunks);
    for (int64_t o = 0; o < out; o += 32) {
        const bool both = o + LANES < out;
        const int rows = s.width <= TILE / 2 ? 2 : 1;
        for (int64_t y = 0; y < s.height;) {
            const int64_t taken = std::min<int64_t>(rows, s.height - y);
            for (int64_t x = 0; x < s.width; x += step) {
                const int64_t count = std::min(step, s.width - x), pixel = y * s.width + x;
                const Edges edges{x == 0, x + count == s.width, y == 0, y + taken == s.height};
                const Tile *kernels = taken == 2 ? TWO_ROWS : ONE_ROW;
                kernels[count](planes + pixel, pitch, s.width, weights + o * TAPS * in, in / 2, bias ? bias + o : nullptr,
                               result + pixel * out + o, out, edges, both);
            }
            y += taken;
        }
    }
}

// sums[8 inputs][V * 16 outputs] += inputs * gradients, over the pixels for which one tap is inside the image.
template <int V>
INLINE void weight_tile(const uint32_t *inputs, const uint32_t *gradients, const Shape &s, int64_t down, int64_t right,
                        float *sums) {
    constexpr int INPUTS = 8;
    __m512 acc[INPUTS][V];
#pragma GCC unroll 8
    for (int i = 0; i < INPUTS; i++)
#pragma GCC unroll 4
        for (int v = 0; v < V; v++) acc[i][v] = _mm512_loadu_ps(sums + i * s.out + v * LANES);
    const int64_t first = std::max<int64_t>(0, -right), last = s.width - std::max<int64_t>(0, right);
    for (int64_t y = std::max<int64_t>(0, -down); y < s.height - std::max<int64_t>(0, down); y++) {
        const uint32_t *x = inputs + ((y + down) * s.width + first + right) * s.in;
        const uint32_t *g = gradients + (y * s.width + first) * s.out;
        for (int64_t c = first; c < last; c++, x += s.in, g += s.out) {
            __m512bh gradient[V];
#pragma GCC unroll 4
            for (int v = 0; v < V; v++) gradient[v] = (__m512bh)_mm512_loadu_si512(g + v * LANES);
#pragma GCC unroll 8
            for (int i = 0; i < INPUTS; i++) {
                const __m512bh value = (__m512bh)_mm512_set1_epi32((int)x[i]);
#pragma GCC unroll 4
                for (int v = 0; v < V; v++) acc[i][v] = _mm512_dpbf16_ps(acc[i][v], gradient[v], value);
            }
        }
    }
#pragma GCC unroll 8
    for (int i = 0; i < INPUTS; i++)
#pragma GCC unroll 4
        for (int v = 0; v < V; v++) _mm512_storeu_ps(sums + i * s.out + v * LANES, acc[i][v]);
}

// sums[tap][in][out] += contribution of two images; both arguments are pairs of images, [pixel][channel].
static void add_weight_gradient(const uint32_t *inputs, const uint32_t *gradients, const Shape &s, float *sums) {
    for (int64_t o = 0; o < s.out; o += 2 * LANES)
        for (int64_t tap = 0; tap < TAPS; tap++)
            for (int64_t i = 0; i < s.in; i += 8) {
                float *to = sums + (tap * s.in + i) * s.out + o;
                if (o + LANES < s.out)
                    weight_tile<2>(inputs + i, gradients + o, s, tap / 3 - 1, tap % 3 - 1, to);
                else
                    weight_tile<1>(inputs + i, gradients + o, s, tap / 3 - 1, tap % 3 - 1, to);
            }
}
