// Division of images into tiles, and order of the tiles in the products.
#pragma once

#include "transforms.h"

// A part of an image: height x width pixels; those beyond the image's edge are computed and discarded.
struct Tile {
    int64_t image, top, left;
    int height, width;
};

// Images divided into tiles of 4x4 pixels; tiles at the right and lower edge may be smaller, but at least 2.
struct Tiling {
    int64_t height, width;
    int64_t rows() const { return divide_up(height, TILE); }
    int64_t columns() const { return divide_up(width, TILE); }
    int64_t an_image() const { return rows() * columns(); }
    int last_height() const { return last(height); }
    int last_width() const { return last(width); }

    Tile operator[](int64_t number) const {
        const int64_t within = number % an_image(), row = within / columns(), column = within % columns();
        return {number / an_image(), row * TILE, column * TILE, row + 1 < rows() ? TILE : last_height(),
                column + 1 < columns() ? TILE : last_width()};
    }

  private:
    static int last(int64_t length) { return (int)std::max<int64_t>(2, (length - 1) % TILE + 1); }
};

// Tiles first .. first + count, in their order in the planes. Smaller tiles need only some of the 36 positions, so they are
// at the ends: narrow, whole, low, and last the tiles that are low and narrow. The tiles that need a position are therefore
// contiguous.
class Chunk {
  public:
    static constexpr int64_t MOST = 48;  // values from 16 to 96 differ by at most 3%

    Chunk(const Tiling &tiling, int64_t first, int64_t count) : tiling(tiling), count(count) {
        Tile all[MOST];
        for (int64_t i = 0; i < count; i++) all[i] = tiling[first + i];
        int64_t filled = 0;
        const auto take = [&](bool low, bool narrow) {
            for (int64_t i = 0; i < count; i++)
                if ((all[i].height < TILE) == low && (all[i].width < TILE) == narrow) tiles_[filled++] = all[i];
            return filled;
        };
        narrow_ = take(false, true);
        whole_ = take(false, false);
        low_ = take(true, false);
        take(true, true);
    }

    const Tile *begin() const { return tiles_; }
    const Tile *end() const { return tiles_ + count; }

    // The contiguous range of tiles that need a position.
    int64_t from(int position) const { return not_narrow(position) ? narrow_ : 0; }
    int64_t to(int position) const { return not_low(position) ? whole_ : not_narrow(position) ? low_ : count; }

    const Tiling tiling;
    const int64_t count;

  private:
    // Whether smaller tiles do not need a position.
    bool not_low(int position) const { return without(position / PATCH, tiling.last_height()); }
    bool not_narrow(int position) const { return without(position % PATCH, tiling.last_width()); }
    static bool without(int value, int size) { return value > size && value < PATCH - 1; }

    Tile tiles_[MOST];
    int64_t narrow_, whole_, low_;  // ends of these ranges
};
