/* What qat/train/norm.py and counts.py do with rows of channels; NumPy there does the same, the
 * forward pass to the bit. Arrays are C-contiguous float32, (rows, channels), unless said
 * otherwise. */

#include <stddef.h>
#include <stdint.h>

#define PART 256 /* rows that are summed in float before they go into a double */

/* The sums of the values and of their squares, channel by channel: exact for whole numbers. */
void norm_moments(const float *restrict values, int64_t rows, int32_t channels,
                  double *restrict sum, double *restrict square)
{
    const size_t c = (size_t)channels;

    for (size_t i = 0; i < c; i++) {
        sum[i] = square[i] = 0.0;
    }
    for (int64_t r = 0; r < rows; r++) {
        for (size_t i = 0; i < c; i++) {
            const double value = (double)values[i];

            sum[i] += value;
            square[i] += value * value;
        }
        values += c;
    }
}

/* dL/d values from dL/dy = d * per_unit, for y = gain * z + shift, z = (values - mean) * inverse:
 *     d_values = gain * inverse * (dL/dy - mean(dL/dy) - z * mean(dL/dy * z))
 * d is overwritten by d_values; d_gain and d_shift: double, (channels,); the other constants:
 * (channels,); part: scratch of (2, channels). */
void norm_backward(float *restrict d, const float *restrict values, int64_t rows, int32_t channels,
                   const float *restrict gain, const float *restrict mean,
                   const float *restrict inverse, const float *restrict per_unit,
                   double *restrict d_gain, double *restrict d_shift, float *restrict part)
{
    const size_t c = (size_t)channels;
    float *restrict of_gain = part, *restrict of_shift = part + c;
    float *restrict at = d;
    const float *restrict v = values;

    for (size_t i = 0; i < c; i++) {
        d_gain[i] = d_shift[i] = 0.0;
    }
    for (int64_t start = 0; start < rows; start += PART) {
        const int64_t end = start + PART < rows ? start + PART : rows;

        for (size_t i = 0; i < c; i++) {
            of_gain[i] = of_shift[i] = 0.0f;
        }
        for (int64_t r = start; r < end; r++) {
            for (size_t i = 0; i < c; i++) {
                const float dy = at[i] * per_unit[i];

                of_shift[i] += dy;
                of_gain[i] += dy * ((v[i] - mean[i]) * inverse[i]);
            }
            at += c;
            v += c;
        }
        for (size_t i = 0; i < c; i++) {
            d_gain[i] += (double)of_gain[i];
            d_shift[i] += (double)of_shift[i];
        }
    }
    for (size_t i = 0; i < c; i++) {
        of_gain[i] = (float)(d_gain[i] / (double)rows);
        of_shift[i] = (float)(d_shift[i] / (double)rows);
    }
    at = d;
    v = values;
    for (int64_t r = 0; r < rows; r++) {
        for (size_t i = 0; i < c; i++) {
            const float z = (v[i] - mean[i]) * inverse[i];

            at[i] = gain[i] * inverse[i] * (at[i] * per_unit[i] - of_shift[i] - z * of_gain[i]);
        }
        at += c;
        v += c;
    }
}

/* How many thresholds, (levels, channels), each value reaches. */
void count_reached(const float *restrict values, const float *restrict thresholds, int64_t rows,
                   int32_t channels, int32_t levels, float *restrict out)
{
    const size_t c = (size_t)channels;

    for (int64_t r = 0; r < rows; r++) {
        for (size_t i = 0; i < c; i++) {
            out[i] = values[i] >= thresholds[i] ? 1.0f : 0.0f;
        }
        for (int32_t j = 1; j < levels; j++) {
            const float *restrict t = thresholds + (size_t)j * c;

            for (size_t i = 0; i < c; i++) {
                out[i] += values[i] >= t[i] ? 1.0f : 0.0f;
            }
        }
        values += c;
        out += c;
    }
}

/* d where low < values < high, (channels,) each; else 0. */
void count_window(const float *restrict d, const float *restrict values,
                  const float *restrict low, const float *restrict high, int64_t rows,
                  int32_t channels, float *restrict out)
{
    const size_t c = (size_t)channels;

    for (int64_t r = 0; r < rows; r++) {
        for (size_t i = 0; i < c; i++) {
            out[i] = values[i] > low[i] && values[i] < high[i] ? d[i] : 0.0f;
        }
        d += c;
        values += c;
        out += c;
    }
}
