// Makes a batch from all images: selects, mirrors, moves and converts bytes to float32 in one pass, bit-identical to
// muslin/training/batches.py.
#pragma once

#include "common.h"

// images [image][row][column][channel]; chosen, moved and mirrored have one entry per image of the batch: whether it is
// mirrored left to right, and how far it moves down and right, filled with black. out has the layout of images.
static void make_batch(const uint8_t *images, const int64_t *chosen, const bool *mirrored, const int64_t *moves, float *out,
                       int64_t count, int64_t height, int64_t width, int64_t channels, int threads) {
    const int64_t line = width * channels;
    in_turns(count, threads, [&](int, int64_t n) {
        const uint8_t *image = images + chosen[n] * height * line;
        const int64_t down = moves ? moves[2 * n] : 0, right = moves ? moves[2 * n + 1] : 0;
        const bool turned = mirrored && mirrored[n];
        for (int64_t y = 0; y < height; y++) {
            float *to = out + (n * height + y) * line;
            const int64_t row = y - down, first = std::clamp<int64_t>(right, 0, width), last = std::clamp<int64_t>(width + right, 0, width);
            if (row < 0 || row >= height) {
                memset(to, 0, line * sizeof(float));
                continue;
            }
            const uint8_t *from = image + row * line;
            memset(to, 0, first * channels * sizeof(float));
            memset(to + last * channels, 0, (width - last) * channels * sizeof(float));
            if (!turned)
                for (int64_t i = first * channels; i < last * channels; i++) to[i] = from[i - right * channels] / 255.0f;
            else if (channels == 1)
                for (int64_t x = first; x < last; x++) to[x] = from[width - 1 - (x - right)] / 255.0f;
            else
                for (int64_t x = first; x < last; x++)
                    for (int64_t c = 0; c < channels; c++)
                        to[x * channels + c] = from[(width - 1 - (x - right)) * channels + c] / 255.0f;
        }
    });
}
