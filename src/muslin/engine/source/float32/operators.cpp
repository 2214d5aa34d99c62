// Fused blocks, batches and Muon's update, for training small convolutional networks on CPUs with AVX2 and FMA: functions
// called from Python.
//
//   block = 3x3 convolution, stride 1, zero padding 1  ->  bias  ->  NONE, RELU, RELU + 2x2 max-pool, or RELU + global mean
//
// All values are float32: images are (image, height, width, channel), weights and their gradients (out, 3, 3, in). Channel
// counts are multiples of 8; images may also have one channel, and then get no gradient. Every function returns 0 on
// success, or 1 if memory or threads could not be allocated.
#include "batch.h"
#include "block.h"
#include "muon.h"

extern "C" {

int muslin_block_forward(const float *x, const float *weight, const float *bias, float *out, void *note, int64_t images,
                         int64_t height, int64_t width, int64_t in, int64_t out_channels, int64_t tail, int64_t threads) {
    const Shape s{images, height, width, in, out_channels};
    return guarded([&] { block_forward(x, weight, bias, out, (uint8_t *)note, s, (Tail)tail, (int)threads); });
}

int muslin_block_backward(const float *grad, const void *note, const float *x, const float *weight, float *grad_x,
                          float *grad_weight, float *grad_bias, int64_t images, int64_t height, int64_t width, int64_t in,
                          int64_t out_channels, int64_t tail, int64_t threads) {
    const Shape s{images, height, width, in, out_channels};
    return guarded([&] {
        block_backward(grad, (const uint8_t *)note, x, weight, grad_x, grad_weight, grad_bias, s, (Tail)tail, (int)threads);
    });
}

int muslin_batch(const uint8_t *images, const int64_t *chosen, const bool *mirrored, const int64_t *moves, float *out,
                 int64_t count, int64_t height, int64_t width, int64_t channels, int64_t threads) {
    return guarded([&] {
        make_batch(images, chosen, mirrored, moves, out, count, height, width, channels, (int)threads);
    });
}

int muslin_muon_step(float *kernel, const float *gradient, float *momentum, double decay, double rate, int64_t rows,
                     int64_t columns, int64_t iterations, int64_t threads) {
    return guarded([&] {
        muon_step(kernel, gradient, momentum, rows, columns, (float)decay, (float)rate, iterations, (int)threads);
    });
}

}  // extern "C"
