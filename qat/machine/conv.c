/* What qat/train/convolution.py and pooling.py do with maps, as loops; NumPy there does the same,
 * the forward pass to the bit. Maps are C-contiguous float32, (images, height, width, channels). */

#include <stddef.h>
#include <stdint.h>

typedef struct {
    int32_t images;
    int32_t height, width, channels; /* of the map that is read */
    int32_t rows, columns;           /* positions of the map that is made */
    int32_t kernel_height, kernel_width;
    int32_t stride;    /* along both axes */
    int32_t top, left; /* rows and columns of zeros before the map */
} map_settings;

/* The part of a kernel that lies on the map at one position: taps [low, high) along an axis. */
static int32_t first_tap(int32_t origin)
{
    return origin < 0 ? -origin : 0;
}

static int32_t end_of_taps(int32_t origin, int32_t taps, int32_t side)
{
    return origin + taps > side ? side - origin : taps;
}

/* Where a position reads: row and column of its first tap, and which values of a row of taps lie on
 * the map. */
typedef struct {
    int32_t y, x;
    size_t low, high;
} place_on_map;

static place_on_map place_of(const map_settings *set, int32_t row, int32_t column)
{
    const int32_t x = column * set->stride - set->left;
    const int32_t end = end_of_taps(x, set->kernel_width, set->width);
    const size_t c = (size_t)set->channels;

    return (place_on_map){
        .y = row * set->stride - set->top,
        .x = x,
        .low = (size_t)first_tap(x) * c,
        .high = end > 0 ? (size_t)end * c : 0,
    };
}

/* What every position reads, (images * rows * columns, kernel height * kernel width * channels). */
void conv_patches(const map_settings *set, const float *restrict maps, float *restrict out)
{
    const size_t line = (size_t)set->kernel_width * (size_t)set->channels;
    const size_t c = (size_t)set->channels;

    for (int32_t n = 0; n < set->images; n++) {
        const float *map = maps + (size_t)n * (size_t)set->height * (size_t)set->width * c;

        for (int32_t r = 0; r < set->rows; r++) {
            for (int32_t q = 0; q < set->columns; q++) {
                const place_on_map on = place_of(set, r, q);

                for (int32_t k = 0; k < set->kernel_height; k++) {
                    const int32_t at = on.y + k;

                    if (at < 0 || at >= set->height || on.high <= on.low) {
                        for (size_t i = 0; i < line; i++) {
                            out[i] = 0.0f;
                        }
                    } else {
                        const float *from = map + ((ptrdiff_t)at * set->width + on.x) * (ptrdiff_t)c;

                        for (size_t i = 0; i < on.low; i++) {
                            out[i] = 0.0f;
                        }
                        for (size_t i = on.low; i < on.high; i++) {
                            out[i] = from[i];
                        }
                        for (size_t i = on.high; i < line; i++) {
                            out[i] = 0.0f;
                        }
                    }
                    out += line;
                }
            }
        }
    }
}

/* The opposite way: what patches add up to on the map. maps: zeros to begin with. */
void conv_gather(const map_settings *set, const float *restrict patches, float *restrict maps)
{
    const size_t line = (size_t)set->kernel_width * (size_t)set->channels;
    const size_t c = (size_t)set->channels;

    for (int32_t n = 0; n < set->images; n++) {
        float *map = maps + (size_t)n * (size_t)set->height * (size_t)set->width * c;

        for (int32_t r = 0; r < set->rows; r++) {
            for (int32_t q = 0; q < set->columns; q++) {
                const place_on_map on = place_of(set, r, q);

                for (int32_t k = 0; k < set->kernel_height; k++) {
                    const int32_t at = on.y + k;

                    if (at >= 0 && at < set->height) {
                        float *to = map + ((ptrdiff_t)at * set->width + on.x) * (ptrdiff_t)c;

                        for (size_t i = on.low; i < on.high; i++) {
                            to[i] += patches[i];
                        }
                    }
                    patches += line;
                }
            }
        }
    }
}

/* Every channel by itself. weights: (taps, channels); out: (images, rows, columns, channels). */
void depthwise_sums(const map_settings *set, const float *restrict maps,
                    const float *restrict weights, float *restrict out)
{
    const size_t c = (size_t)set->channels;

    for (int32_t n = 0; n < set->images; n++) {
        const float *map = maps + (size_t)n * (size_t)set->height * (size_t)set->width * c;

        for (int32_t r = 0; r < set->rows; r++) {
            for (int32_t q = 0; q < set->columns; q++) {
                const int32_t y = r * set->stride - set->top, x = q * set->stride - set->left;
                const int32_t right = end_of_taps(x, set->kernel_width, set->width);
                const int32_t below = end_of_taps(y, set->kernel_height, set->height);

                for (size_t i = 0; i < c; i++) {
                    out[i] = 0.0f;
                }
                for (int32_t k = first_tap(y); k < below; k++) {
                    for (int32_t l = first_tap(x); l < right; l++) {
                        const float *from = map + ((size_t)(y + k) * (size_t)set->width +
                                                   (size_t)(x + l)) * c;
                        const float *w = weights + (size_t)(k * set->kernel_width + l) * c;

                        for (size_t i = 0; i < c; i++) {
                            out[i] += from[i] * w[i];
                        }
                    }
                }
                out += c;
            }
        }
    }
}

/* The largest of the positions that become one, and which it was, the first of equals.
 * Kernels lie side by side: the stride is not read. */
void pool_largest(const map_settings *set, const float *restrict maps, float *restrict out,
                  int32_t *restrict chosen)
{
    const size_t c = (size_t)set->channels;

    for (int32_t n = 0; n < set->images; n++) {
        const float *map = maps + (size_t)n * (size_t)set->height * (size_t)set->width * c;

        for (int32_t r = 0; r < set->rows; r++) {
            for (int32_t q = 0; q < set->columns; q++) {
                for (int32_t k = 0; k < set->kernel_height * set->kernel_width; k++) {
                    const int32_t y = r * set->kernel_height + k / set->kernel_width;
                    const int32_t x = q * set->kernel_width + k % set->kernel_width;
                    const float *from = map + ((size_t)y * (size_t)set->width + (size_t)x) * c;

                    if (k == 0) {
                        for (size_t i = 0; i < c; i++) {
                            out[i] = from[i];
                            chosen[i] = 0;
                        }
                    } else {
                        for (size_t i = 0; i < c; i++) {
                            const int32_t more = from[i] > out[i];

                            chosen[i] = more ? k : chosen[i];
                            out[i] = more ? from[i] : out[i];
                        }
                    }
                }
                out += c;
                chosen += c;
            }
        }
    }
}

/* The gradient of pool_largest: d, (images, rows, columns, channels), to the chosen position. */
void pool_gather(const map_settings *set, const float *restrict d, const int32_t *restrict chosen,
                 float *restrict d_maps)
{
    const size_t c = (size_t)set->channels;

    for (int32_t n = 0; n < set->images; n++) {
        float *map = d_maps + (size_t)n * (size_t)set->height * (size_t)set->width * c;

        for (int32_t r = 0; r < set->rows; r++) {
            for (int32_t q = 0; q < set->columns; q++) {
                for (int32_t k = 0; k < set->kernel_height * set->kernel_width; k++) {
                    const int32_t y = r * set->kernel_height + k / set->kernel_width;
                    const int32_t x = q * set->kernel_width + k % set->kernel_width;
                    float *to = map + ((size_t)y * (size_t)set->width + (size_t)x) * c;

                    for (size_t i = 0; i < c; i++) {
                        to[i] = chosen[i] == k ? d[i] : 0.0f;
                    }
                }
                d += c;
                chosen += c;
            }
        }
    }
}
