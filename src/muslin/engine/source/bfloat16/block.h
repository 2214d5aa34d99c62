// Convolution + bias + epilogue, forward and backward. Each image passes through all stages while it is in the cache.
//
// Forward, idle threads take the next images. Backward, each thread has a fixed range of images, and the threads' partial
// sums are added in order of thread number, so the same number of threads gives the same bits.
#pragma once

#include "products.h"
#include "tails.h"

// partial[thread][tap * in][out] -> (out, tap * in), and the sums of the biases.
static void gather_gradients(Scratch::Parts<float> sums, Scratch::Parts<float> bias_sums, int threads, int64_t rows,
                             int64_t out, float *grad_weight, float *grad_bias) {
    for (int64_t o = 0; o < out; o += LANES) {
        for (int64_t row = 0; row < rows; row += LANES) {
            const int some = (int)std::min<int64_t>(LANES, rows - row);
            __m512i r[16];
#pragma GCC unroll 16
            for (int i = 0; i < LANES; i++) {
                __m512 sum = _mm512_setzero_ps();
                if (i < some)
                    for (int t = 0; t < threads; t++)
                        sum = _mm512_add_ps(sum, _mm512_loadu_ps(sums[t] + (row + i) * out + o));
                r[i] = _mm512_castps_si512(sum);
            }
            transpose16(r);
            const __mmask16 have = (__mmask16)((1u << some) - 1);
#pragma GCC unroll 16
            for (int i = 0; i < LANES; i++) _mm512_mask_storeu_epi32(grad_weight + (o + i) * rows + row, have, r[i]);
        }
        __m512 sum = _mm512_setzero_ps();
        for (int t = 0; t < threads; t++) sum = _mm512_add_ps(sum, _mm512_loadu_ps(bias_sums[t] + o));
        _mm512_storeu_ps(grad_bias + o, sum);
    }
}

static void block_forward(const bf16 *x, const float *weight, const float *bias, char *out, char *note, const Shape &s,
                          Tail tail, int threads) {
    bf16 *packed = scratch[WEIGHTS].whole<bf16>(packed_weights(s.in, s.out));
    pack_weights(weight, s.in, s.out, packed, threads);
    const auto planes = scratch[PLANES].parts<uint32_t>(threads, plane_pitch(s) * s.in / 2);
    const auto result = scratch[RESULT].parts<float>(threads, s.pixels() * s.out);
    in_turns(s.images, threads, [&](int me, int64_t n) {
        to_planes(x + n * s.pixels() * s.in, s, s.in, planes[me]);
        convolve(planes[me], s, s.in, s.out, packed, bias, result[me]);
        tail_forward(result[me], s, tail, out + n * out_bytes(s, tail), note + n * note_bytes(s, tail));
    });
}

// grad_x is null if the input gradient is not needed.
static void block_backward(const char *grad, const char *note, const bf16 *x, const float *weight, bf16 *grad_x,
                           float *grad_weight, float *grad_bias, const Shape &s, Tail tail, int threads) {
    bf16 *packed = scratch[WEIGHTS].whole<bf16>(packed_weights(s.out, s.in));
    if (grad_x) pack_weights_transposed(weight, s.in, s.out, packed, threads);
    const int64_t entering = s.pixels() * s.in, leaving = s.pixels() * s.out;
    const auto planes = scratch[PLANES].parts<uint32_t>(threads, plane_pitch(s) * s.out / 2);
    const auto result = scratch[RESULT].parts<float>(threads, entering);
    const auto gradient = scratch[GRADIENT].parts<bf16>(threads, 2 * leaving);
    const auto pairs_of_input = scratch[PAIRS_OF_INPUT].parts<uint32_t>(threads, entering);
    const auto pairs_of_gradient = scratch[PAIRS_OF_GRADIENT].parts<uint32_t>(threads, leaving);
    const auto sums = scratch[SUMS].parts<float>(threads, TAPS * s.in * s.out);
    const auto bias_sums = scratch[BIAS_SUMS].parts<float>(threads, s.out);
    for (int t = 0; t < threads; t++) {
        memset(sums[t], 0, TAPS * s.in * s.out * sizeof(float));
        memset(bias_sums[t], 0, s.out * sizeof(float));
    }
    in_shares(divide_up(s.images, 2), threads, [&](int me, int64_t pair) {
        const int64_t n = 2 * pair;
        bf16 *const g[2] = {gradient[me], gradient[me] + leaving};
        const int count = n + 1 < s.images ? 2 : 1;
        for (int i = 0; i < count; i++) {
            tail_backward(grad + (n + i) * out_bytes(s, tail), note + (n + i) * note_bytes(s, tail), s, tail, g[i],
                          bias_sums[me]);
            if (!grad_x) continue;
            to_planes(g[i], s, s.out, planes[me]);
            convolve(planes[me], s, s.out, s.in, packed, nullptr, result[me]);
            bf16 *to = grad_x + (n + i) * entering;
            for (int64_t k = 0; k < entering; k += LANES) store16(to + k, narrow(_mm512_loadu_ps(result[me] + k)));
        }
        interleave(x + n * entering, count == 2 ? x + (n + 1) * entering : nullptr, entering, pairs_of_input[me]);
        interleave(g[0], count == 2 ? g[1] : nullptr, leaving, pairs_of_gradient[me]);
        add_weight_gradient(pairs_of_input[me], pairs_of_gradient[me], s, sums[me]);
    });
    gather_gradients(sums, bias_sums, threads, TAPS * s.in, s.out, grad_weight, grad_bias);
}
