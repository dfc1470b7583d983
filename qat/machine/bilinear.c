/* The inner loop of qat/data/augment.py, which documents it: the same floats in the same order. */

#include <stdint.h>

static float clipped(float value, float high)
{
    const float above = value < 0.0f ? 0.0f : value;

    return above > high ? high : above;
}

/* Pixels at fractional places of square images, (batch, side, side); rows, columns and out:
 * (batch, side * side). padded: scratch of (side + 3, side + 3), zeros to begin with. */
void bilinear(const uint8_t *images, const float *rows, const float *columns, int32_t batch,
              int32_t side, float *padded, uint8_t *out)
{
    const int32_t wide = side + 3, places = side * side;
    const float last = (float)(side + 1);

    for (int32_t b = 0; b < batch; b++) {
        for (int32_t r = 0; r < side; r++) {
            for (int32_t c = 0; c < side; c++) {
                padded[(r + 1) * wide + c + 1] = (float)images[r * side + c];
            }
        }
        for (int32_t i = 0; i < places; i++) {
            const float row = clipped(rows[i] + 1.0f, last);
            const float column = clipped(columns[i] + 1.0f, last);
            const int32_t top = (int32_t)row, left = (int32_t)column;
            const float down = row - (float)top, right = column - (float)left;
            const float *at = padded + top * wide + left;
            const float upper = (at[1] - at[0]) * right + at[0];
            const float lower = (at[wide + 1] - at[wide]) * right + at[wide];

            out[i] = (uint8_t)((lower - upper) * down + upper + 0.5f);
        }
        images += places;
        rows += places;
        columns += places;
        out += places;
    }
}
