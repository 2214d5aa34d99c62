// Rearrangements of values into the memory order in which the products read them.
#pragma once

#include "common.h"

// 16x16 transposition of 32-bit values, in registers.
INLINE void transpose16(__m512i r[16]) {
    __m512i t[16];
#pragma GCC unroll 16
    for (int i = 0; i < 16; i += 2) {
        t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
        t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
    }
#pragma GCC unroll 16
    for (int i = 0; i < 16; i += 4) {
        r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
        r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
        r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
        r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
    }
#pragma GCC unroll 16
    for (int i = 0; i < 4; i++) {
        t[i] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0x88);
        t[i + 4] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0xdd);
        t[i + 8] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0x88);
        t[i + 12] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0xdd);
    }
#pragma GCC unroll 16
    for (int i = 0; i < 4; i++) {
        r[i] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88);
        r[i + 8] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0xdd);
        r[i + 4] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0x88);
        r[i + 12] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0xdd);
    }
}

// Packed weights: [block of 32 outputs][tap][pair of inputs][32 outputs][2 inputs]; `clear_half_block` fills a last half
// block with zeros.
INLINE int64_t packed_weights(int64_t in, int64_t out) { return divide_up(out, 32) * 32 * TAPS * in; }

static void clear_half_block(int64_t in, int64_t out, bf16 *to) {
    if (out % 32) memset(to + out / 32 * 32 * TAPS * in, 0, 32 * TAPS * in * sizeof(bf16));
}

INLINE uint32_t *packed_at(bf16 *to, int64_t in, int64_t output, int64_t tap, int64_t input) {
    return (uint32_t *)to + ((output / 32 * TAPS + tap) * (in / 2) + input / 2) * 32 + output % 32;
}

// Packs weights (out, tap, in) for the forward product.
static void pack_weights(const float *weights, int64_t in, int64_t out, bf16 *to, int threads) {
    clear_half_block(in, out, to);
    in_shares(out / LANES * TAPS, threads, [&](int, int64_t n) {
        const int64_t o = n / TAPS * LANES, tap = n % TAPS;
        for (int64_t i = 0; i < in; i += LANES) {
            __m512i r[16];
#pragma GCC unroll 16
            for (int lane = 0; lane < LANES; lane++)
                r[lane] = _mm512_loadu_si512(weights + ((o + lane) * TAPS + tap) * in + i);
            transpose16(r);
#pragma GCC unroll 8
            for (int k = 0; k < LANES; k += 2)
                _mm512_storeu_si512(packed_at(to, in, o, tap, i + k), pair(narrow(_mm512_castsi512_ps(r[k])),
                                                                           narrow(_mm512_castsi512_ps(r[k + 1]))));
        }
    });
}

// Packs the same weights for the input gradient: inputs and outputs are exchanged, and taps are reversed.
static void pack_weights_transposed(const float *weights, int64_t in, int64_t out, bf16 *to, int threads) {
    clear_half_block(out, in, to);
    in_shares(in / LANES * TAPS, threads, [&](int, int64_t n) {
        const int64_t i = n / TAPS * LANES, tap = n % TAPS;
        for (int64_t o = 0; o < out; o += 2) {
            const float *from = weights + (o * TAPS + TAPS - 1 - tap) * in + i;
            _mm512_storeu_si512(packed_at(to, out, i, tap, o),
                                pair(narrow(_mm512_loadu_ps(from)), narrow(_mm512_loadu_ps(from + TAPS * in))));
        }
    });
}

// Planes: [pair of channels][pixel], 32 bits per pair, so that neighboring pixels are at fixed distances. The size of a
// plane is an odd number of cache lines: with a power of two, all planes would compete for the same cache lines.
INLINE int64_t plane_pitch(const Shape &s) { return (divide_up(s.pixels(), LANES) | 1) * LANES; }

// One image [pixel][channel] -> planes. The padding after the last pixel is never read.
static void to_planes(const bf16 *image, const Shape &s, int64_t channels, uint32_t *planes) {
    const int64_t pairs = channels / 2, pitch = plane_pitch(s);
    const uint32_t *from = (const uint32_t *)image;
    for (int64_t pixel = 0; pixel < s.pixels(); pixel += LANES) {
        const int pixels = (int)std::min<int64_t>(LANES, s.pixels() - pixel);
        for (int64_t c = 0; c < pairs; c += LANES) {
            const int some = (int)std::min<int64_t>(LANES, pairs - c);
            const __mmask16 have = (__mmask16)((1u << some) - 1);
            __m512i r[16];
#pragma GCC unroll 16
            for (int i = 0; i < LANES; i++)
                r[i] = i < pixels ? _mm512_maskz_loadu_epi32(have, from + (pixel + i) * pairs + c) : _mm512_setzero_si512();
            transpose16(r);
#pragma GCC unroll 16
            for (int i = 0; i < LANES; i++)
                if (i < some) _mm512_storeu_si512(planes + (c + i) * pitch + pixel, r[i]);
        }
    }
}

// Two images of the same layout -> pairs (the first in the lower halves). `second` may be null: zeros.
static void interleave(const bf16 *first, const bf16 *second, int64_t count, uint32_t *to) {
    for (int64_t i = 0; i < count; i += LANES)
        _mm512_storeu_si512(to + i, pair(load16(first + i), second ? load16(second + i) : _mm256_setzero_si256()));
}
