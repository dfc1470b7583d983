/* The time loops of qat/train/lif.py, which documents them; the forward pass forms the same floats in
 * the same order. All arrays are C-contiguous float32: (steps, batch, neurons), or
 * (1, batch, neurons) for a current that is held; thresholds, and what a reset leaves, are (neurons,).
 * A recurrent edge is echo, its weights, and the delays of its sources, (neurons,); echo is NULL where
 * there is none. */

#include <math.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    int32_t steps, batch, neurons;
    int32_t held;     /* one current for all steps */
    int32_t terms;    /* shifts of the leak; -1: multiply by `kept` instead of rounding down */
    float scale[4];   /* 2^-|k| of every term */
    float sign[4];    /* what a term does to v: -1 takes away, +1 adds */
    float kept;       /* 1 - lambda */
    int32_t replaces; /* the reset: 1 leaves a value, 0 subtracts the threshold */
    int32_t limited;  /* saturate u to [low, high] */
    float low, high;
    int32_t surrogate; /* 0 atan, 1 triangle, 2 fast sigmoid */
    float slope;
    int32_t detached; /* the spike of the reset counts as a constant */
    int32_t most;     /* spikes of a neuron in one step, at most */
    float amplitude;  /* of the surrogate */
    int32_t truncate; /* gradients of memory end at steps that this divides; 0: at none */
} lif_settings;

/* v after the reset of one row of neurons. */
static void reset(const lif_settings *set, const float *restrict u, const float *restrict spikes,
                  const float *restrict threshold, const float *restrict to, float *restrict v)
{
    if (set->replaces) {
        for (int32_t n = 0; n < set->neurons; n++) {
            v[n] = u[n] - (spikes[n] > 1.0f ? 1.0f : spikes[n]) * (u[n] - to[n]);
        }
    } else {
        for (int32_t n = 0; n < set->neurons; n++) {
            v[n] = u[n] - spikes[n] * threshold[n];
        }
    }
}

/* u = v - leak(v). */
static void decay(const lif_settings *set, const float *restrict v, float *restrict u)
{
    const float kept = set->terms < 0 ? set->kept : 1.0f;

    for (int32_t n = 0; n < set->neurons; n++) {
        u[n] = v[n] * kept;
    }
    for (int32_t i = 0; i < set->terms; i++) {
        const float scale = set->scale[i], sign = set->sign[i];

        for (int32_t n = 0; n < set->neurons; n++) {
            u[n] += sign * floorf(v[n] * scale);
        }
    }
}

static void saturate(const lif_settings *set, float *restrict u)
{
    for (int32_t n = 0; n < set->neurons; n++) {
        const float above = u[n] < set->low ? set->low : u[n];

        u[n] = above > set->high ? set->high : above;
    }
}

/* v: scratch of (neurons,); echo: (sources, neurons). */
void lif_forward(const lif_settings *set, const float *current, const float *restrict threshold,
                 const float *restrict to, const float *echo, const int32_t *delays, float *u,
                 float *spikes, float *restrict v)
{
    const size_t row = (size_t)set->neurons, step = row * (size_t)set->batch;

    for (int32_t b = 0; b < set->batch; b++) {
        for (size_t n = 0; n < row; n++) {
            v[n] = 0.0f;
        }
        for (int32_t t = 0; t < set->steps; t++) {
            const size_t at = (size_t)t * step + (size_t)b * row;
            const float *restrict in = current + (set->held ? (size_t)b * row : at);
            float *restrict u_t = u + at;
            float *restrict s_t = spikes + at;

            decay(set, v, u_t);
            for (size_t n = 0; n < row; n++) {
                u_t[n] += in[n];
            }
            if (echo != NULL) {
                echo_add(echo, delays, t, spikes + (size_t)b * row, step, set->neurons, u_t);
            }
            if (set->limited) {
                saturate(set, u_t);
            }
            for (size_t n = 0; n < row; n++) {
                s_t[n] = u_t[n] >= threshold[n] ? 1.0f : 0.0f;
            }
            for (int32_t j = 2; j <= set->most; j++) {
                const float times = (float)j;

                for (size_t n = 0; n < row; n++) {
                    s_t[n] += u_t[n] >= times * threshold[n] ? 1.0f : 0.0f;
                }
            }
            reset(set, u_t, s_t, threshold, to, v);
        }
    }
}

/* u less the thresholds below the nearest one, of those that make a spike: where that is the first,
 * u itself. */
static void nearest(const lif_settings *set, const float *restrict u,
                    const float *restrict threshold, float *restrict out)
{
    const float most = (float)set->most;

    for (int32_t n = 0; n < set->neurons; n++) {
        const float near = floorf(u[n] / threshold[n] + 0.5f);
        const float above = near < 1.0f ? 1.0f : near;

        out[n] = u[n] - ((above > most ? most : above) - 1.0f) * threshold[n];
    }
}

/* h'(u / threshold - 1) / threshold for one row; see qat/train/surrogate.py. */
static void slopes(const lif_settings *set, const float *restrict u,
                   const float *restrict threshold, float *restrict out)
{
    const float a = 1.57079633f * set->slope, slope = set->slope, most = set->amplitude;

    switch (set->surrogate) {
    case 0:
        for (int32_t n = 0; n < set->neurons; n++) {
            const float x = a * (u[n] / threshold[n] - 1.0f);

            out[n] = most / ((1.0f + x * x) * threshold[n]);
        }
        break;
    case 1:
        for (int32_t n = 0; n < set->neurons; n++) {
            const float x = 1.0f - slope * fabsf(u[n] / threshold[n] - 1.0f);

            out[n] = most * (x > 0.0f ? x : 0.0f) / threshold[n];
        }
        break;
    default:
        for (int32_t n = 0; n < set->neurons; n++) {
            const float x = 1.0f + slope * fabsf(u[n] / threshold[n] - 1.0f);

            out[n] = most / (x * x * threshold[n]);
        }
        break;
    }
}

/* What a reset that is not detached adds to du and, times the threshold, to its gradient. */
static void through_reset(const lif_settings *set, const float *restrict u,
                          const float *restrict spikes, const float *restrict threshold,
                          const float *restrict to, const float *restrict slope,
                          const float *restrict dv, float *restrict du, float *restrict d_threshold)
{
    for (int32_t n = 0; n < set->neurons; n++) {
        const float path = dv[n] * (set->replaces ? u[n] - to[n] : threshold[n]) * slope[n];

        du[n] -= path;
        d_threshold[n] += path * u[n];
        d_threshold[n] -= set->replaces ? 0.0f : spikes[n] * dv[n] * threshold[n];
    }
}

/* d_spikes: (1, batch, neurons) where `shared` is 1, the same at every step.
 * d_current: summed over the steps where the current is held.
 * rows: scratch of (6, neurons); d_threshold: (neurons,), overwritten.
 * echo: (neurons, sources); more: scratch of (steps, sources), for what it sends back. */
void lif_backward(const lif_settings *set, const float *d_spikes, int32_t shared, const float *u,
                  const float *spikes, const float *restrict threshold, const float *restrict to,
                  const float *echo, const int32_t *delays, float *d_current,
                  double *restrict d_threshold, float *rows, float *more)
{
    const size_t row = (size_t)set->neurons, step = row * (size_t)set->batch;
    float *restrict slope = rows, *restrict dv = rows + row, *restrict du = rows + 2 * row,
                   *restrict total = rows + 3 * row, *restrict close = rows + 4 * row,
                   *restrict back = rows + 5 * row;

    for (size_t n = 0; n < row; n++) {
        d_threshold[n] = 0.0;
    }
    for (int32_t b = 0; b < set->batch; b++) {
        for (size_t n = 0; n < row; n++) {
            dv[n] = total[n] = 0.0f;
        }
        for (size_t i = 0; echo != NULL && i < row * (size_t)set->steps; i++) {
            more[i] = 0.0f;
        }
        for (int32_t t = set->steps - 1; t >= 0; t--) {
            const size_t at = (size_t)t * step + (size_t)b * row;
            const float *restrict u_t = u + at;
            const float *restrict s_t = spikes + at;
            const float *restrict ds = d_spikes + (shared ? (size_t)b * row : at);
            float *restrict out = d_current + (set->held ? (size_t)b * row : at);
            const int32_t first = set->truncate > 0 ? t - t % set->truncate : 0;
            const int32_t ends = set->truncate > 0 && first == t;

            if (set->most > 1) {
                nearest(set, u_t, threshold, close);
                slopes(set, close, threshold, slope);
            } else {
                slopes(set, u_t, threshold, slope);
            }
            for (size_t n = 0; n < row; n++) {
                const float sent = echo != NULL ? more[(size_t)t * row + n] : 0.0f;

                du[n] = (ds[n] + sent) * slope[n];
                total[n] -= du[n] * u_t[n];
            }
            if (!set->detached) {
                through_reset(set, u_t, s_t, threshold, to, slope, dv, du, total);
            }
            for (size_t n = 0; n < row; n++) {
                du[n] += set->replaces ? dv[n] * (1.0f - (s_t[n] > 1.0f ? 1.0f : s_t[n])) : dv[n];
            }
            if (set->limited) {
                for (size_t n = 0; n < row; n++) {
                    du[n] = u_t[n] > set->low && u_t[n] < set->high ? du[n] : 0.0f;
                }
            }
            for (size_t n = 0; n < row; n++) {
                out[n] = set->held && t < set->steps - 1 ? out[n] + du[n] : du[n];
                dv[n] = du[n] * (ends ? 0.0f : set->kept);
            }
            if (echo != NULL) {
                echo_back(echo, delays, t, first, du, set->neurons, back, more);
            }
        }
        for (size_t n = 0; n < row; n++) {
            d_threshold[n] += (double)(total[n] / threshold[n]);
        }
    }
}
