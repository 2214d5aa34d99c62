// Fused blocks for training small convolutional networks on CPUs with AVX-512 BF16: functions called from Python.
//
//   block = 3x3 convolution, stride 1, zero padding 1  ->  bias  ->  RELU, RELU + 2x2 max-pool, or RELU + global mean
//
// Images are (image, height, width, channel) in bfloat16; weights and their gradients are (out, 3, 3, in) in float32.
// Sums are accumulated in float32. Channel counts are multiples of 16. Every function returns 0 on success, or 1 if memory
// or threads could not be allocated.
#include "block.h"
#include "stem.h"

extern "C" {

int muslin_block_forward(const bf16 *x, const float *weight, const float *bias, void *out, void *note, int64_t images,
                         int64_t height, int64_t width, int64_t in, int64_t out_channels, int64_t tail, int64_t threads) {
    const Shape s{images, height, width, in, out_channels};
    return guarded([&] { block_forward(x, weight, bias, (char *)out, (char *)note, s, (Tail)tail, (int)threads); });
}

int muslin_block_backward(const void *grad, const void *note, const bf16 *x, const float *weight, bf16 *grad_x,
                          float *grad_weight, float *grad_bias, int64_t images, int64_t height, int64_t width, int64_t in,
                          int64_t out_channels, int64_t tail, int64_t threads) {
    const Shape s{images, height, width, in, out_channels};
    return guarded([&] {
        block_backward((const char *)grad, (const char *)note, x, weight, grad_x, grad_weight, grad_bias, s, (Tail)tail,
                       (int)threads);
    });
}

int muslin_stem_forward(const float *x, const float *weight, const float *bias, bf16 *out, uint8_t *note, int64_t images,
                        int64_t height, int64_t width, int64_t out_channels, int64_t tail, int64_t threads) {
    const Shape s{images, height, width, 1, out_channels};
    return guarded([&] { stem_forward(x, weight, bias, out, note, s, (Tail)tail, (int)threads); });
}

int muslin_stem_backward(const bf16 *grad, const void *note, const float *x, float *grad_weight, float *grad_bias,
                         int64_t images, int64_t height, int64_t width, int64_t out_channels, int64_t tail,
                         int64_t threads) {
    const Shape s{images, height, width, 1, out_channels};
    return guarded([&] { stem_backward(grad, note, x, grad_weight, grad_bias, s, (Tail)tail, (int)threads); });
}

}  // extern "C"
