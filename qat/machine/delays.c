/* Signals with delays, of qat/train/delays.py, which documents them; arrays are C-contiguous
 * float32 of (steps, batch, values). */

#include <stddef.h>
#include <stdint.h>

/* out_i(t) = signal_i(t - by_i), 0 beyond the ends of the signal. */
void delay_shift(const float *restrict signal, const int32_t *restrict by, int32_t steps,
                 int32_t batch, int32_t values, float *restrict out)
{
    const size_t row = (size_t)values, step = row * (size_t)batch;

    for (int32_t t = 0; t < steps; t++) {
        for (int32_t b = 0; b < batch; b++) {
            const float *restrict from = signal + (size_t)b * row;
            float *restrict to = out + (size_t)t * step + (size_t)b * row;

            for (int32_t i = 0; i < values; i++) {
                const int32_t sent = t - by[i];

                to[i] = sent < 0 || sent >= steps ? 0.0f : from[(size_t)sent * step + (size_t)i];
            }
        }
    }
}

/* Adds to the currents of a sample what its recurrent edge brings in step t: weights are
 * (sources, neurons), spikes those of the sample, `step` values apart. Silent sources cost nothing. */
static void echo_add(const float *restrict weights, const int32_t *restrict delays, int32_t t,
                     const float *restrict spikes, size_t step, int32_t neurons, float *restrict in)
{
    for (int32_t k = 0; k < neurons; k++) {
        const int32_t sent = t - delays[k];
        const float s = sent < 0 ? 0.0f : spikes[(size_t)sent * step + (size_t)k];

        if (s != 0.0f) {
            const float *restrict w = weights + (size_t)k * (size_t)neurons;

            for (int32_t n = 0; n < neurons; n++) {
                in[n] += s * w[n];
            }
        }
    }
}

/* Adds to dL/dS of earlier steps, (steps, sources), what dL/dI of step t makes of the recurrent edge:
 * weights are (neurons, sources); steps before `first` are left alone. back: scratch of (sources,). */
static void echo_back(const float *restrict weights, const int32_t *restrict delays, int32_t t,
                      int32_t first, const float *restrict d_current, int32_t neurons,
                      float *restrict back, float *restrict d_spikes)
{
    for (int32_t k = 0; k < neurons; k++) {
        back[k] = 0.0f;
    }
    for (int32_t n = 0; n < neurons; n++) {
        const float d = d_current[n];
        const float *restrict w = weights + (size_t)n * (size_t)neurons;

        for (int32_t k = 0; k < neurons; k++) {
            back[k] += d * w[k];
        }
    }
    for (int32_t k = 0; k < neurons; k++) {
        const int32_t sent = t - delays[k];

        if (sent >= first) {
            d_spikes[(size_t)sent * (size_t)neurons + (size_t)k] += back[k];
        }
    }
}
