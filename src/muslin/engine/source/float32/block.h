// Convolution + bias + epilogue, forward and backward. A few images at a time pass through all stages while they are in the
// cache.
//
// Each thread has a contiguous range of images, and the threads' partial sums are added in order of thread number, so the
// same number of threads gives the same bits.
#pragma once

#include "stem.h"
#include "tails.h"
#include "winograd.h"

// Images processed together: as many as fill a chunk of tiles.
INLINE int64_t group_size(const Shape &s) {
    return s.in == 1 ? 1 : std::max<int64_t>(1, Chunk::MOST / Tiling{s.height, s.width}.an_image());
}

// Runs fn(thread, first image, number of images) for groups of images; each thread has its own groups.
template <class F>
static void in_groups(int64_t images, int64_t group, int threads, F fn) {
    const int64_t share = divide_up(images, threads);
    on_threads(threads, [&](int t) {
        const int64_t begin = std::min(images, t * share), count = std::min(share, images - begin);
        if (count) in_parts(count, group, [&](int64_t first, int64_t some) { fn(t, begin + first, some); });
    });
}

static void block_forward(const float *x, const float *weight, const float *bias, float *out, uint8_t *note,
                          const Shape &s, Tail tail, int threads) {
    const bool one = s.in == 1;
    const int64_t group = group_size(s), entering = s.pixels() * s.in, leaving = s.pixels() * s.out;
    float *packed = scratch[WEIGHTS].whole<float>(one ? TAPS * s.out : packed_weights(s));
    if (one)
        turn_taps(weight, s.out, packed);
    else
        pack_weights(weight, s.in, s.out, packed, threads);
    const auto results = scratch[RESULT].parts<float>(threads, in_place(tail) ? 1 : group * leaving);
    const auto bordered = scratch[GRADIENT].parts<float>(threads, one ? bordered_size(s) : 1);
    const Workspaces workspaces(s, threads, false);
    in_groups(s.images, group, threads, [&](int t, int64_t n, int64_t some) {
        float *result = in_place(tail) ? out + n * leaving : results[t];
        if (one) {
            add_border(x + n * entering, s, bordered[t]);
            convolve_one(bordered[t], s, packed, bias, result);
        } else {
            convolve(x + n * entering, s, some, packed, bias, workspaces[t], result);
        }
        for (int64_t i = 0; i < some; i++)
            tail_forward(result + i * leaving, s, tail, out + (n + i) * out_size(s, tail), note + (n + i) * note_bytes(s, tail));
    });
}

// grad_x is null if the input gradient is not needed, which is always so for one-channel images.
static void block_backward(const float *grad, const uint8_t *note, const float *x, const float *weight, float *grad_x,
                           float *grad_weight, float *grad_bias, const Shape &s, Tail tail, int threads) {
    const bool one = s.in == 1;
    const int64_t group = group_size(s), entering = s.pixels() * s.in, leaving = s.pixels() * s.out;
    const int64_t weights = one ? TAPS * s.out : packed_weights(s);
    float *packed = scratch[WEIGHTS].whole<float>(weights);
    if (grad_x) pack_weights_transposed(weight, s.in, s.out, packed, threads);
    const auto gradients = scratch[GRADIENT].parts<float>(threads, tail == NONE ? 1 : group * leaving);
    const auto bordered = scratch[RESULT].parts<float>(threads, one ? bordered_size(s) : 1);
    const auto sums = scratch[SUMS].parts<float>(threads, weights), bias_sums = scratch[BIAS_SUMS].parts<float>(threads, s.out);
    const Workspaces workspaces(s, threads, true);
    for (int t = 0; t < threads; t++) {
        memset(sums[t], 0, weights * sizeof(float));
        memset(bias_sums[t], 0, s.out * sizeof(float));
    }
    in_groups(s.images, group, threads, [&](int t, int64_t n, int64_t some) {
        const float *gradient = gradients[t];
        for (int64_t i = 0; i < some; i++) {
            const float *made = tail_backward(grad + (n + i) * out_size(s, tail), note + (n + i) * note_bytes(s, tail), s,
                                              tail, gradients[t] + i * leaving, bias_sums[t]);
            if (i == 0) gradient = made;
        }
        if (one) {
            add_border(x + n * entering, s, bordered[t]);
            convolve_one_backward(bordered[t], gradient, s, sums[t]);
        } else {
            convolve_backward(x + n * entering, gradient, s, some, packed, workspaces[t],
                              grad_x ? grad_x + n * entering : nullptr, sums[t]);
        }
    });
    if (one)
        gather_stem_gradient(sums, s, grad_weight, threads);
    else
        gather_weight_gradient(sums, s, grad_weight, threads);
    for (int64_t o = 0; o < s.out; o++) {
        float sum = 0;
        for (int t = 0; t < threads; t++) sum += bias_sums[t][o];
        grad_bias[o] = sum;
    }
}
