/* The time loops of qat/train/lif.py, which documents them; the forward pass forms the same floats in
 * the same order. All arrays are C-contiguous float32: (steps, batch, neurons), or
 * (1, batch, neurons) for a current that is held; thresholds, what a reset leaves, and what a spike adds to
 * the threshold, are (neurons,).
 * leaks is NULL where all neurons share the leak of the membrane; else rows of (neurons,): what each keeps,
 * then scale and sign of every term.
 * A recurrent edge is echo, its weights, and the delays of its sources, (neurons,); echo is NULL where
 * there is none. */

#include <math.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    int32_t terms;  /* shifts; -1: multiply by `kept` instead of rounding down */
    float scale[4]; /* 2^-|k| of every term */
    float sign[4];  /* what a term does to x: -1 takes away, +1 adds */
    float kept;     /* 1 - lambda */
} lif_leak;

typedef struct {
    int32_t steps, batch, neurons;
    int32_t held;     /* one current for all steps */
    lif_leak leak;    /* of the membrane */
    lif_leak leak_c;  /* of a synaptic current before it */
    lif_leak leak_b;  /* of what adds to the threshold */
    int32_t flows;    /* there is a synaptic current */
    int32_t adapts;   /* the threshold is raised by spikes */
    int32_t replaces; /* the reset: 1 leaves a value, 0 subtracts the threshold */
    int32_t late;     /* the reset: 1 takes nothing, and clears u of the next step */
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
            v[n] = u[n] - (set->late ? 0.0f : spikes[n]) * threshold[n];
        }
    }
}

/* What spiked in the step before is left nothing: a late reset of u, or of its gradient. */
static void clear(int32_t neurons, const float *restrict before, float *restrict values)
{
    for (int32_t n = 0; n < neurons; n++) {
        values[n] *= 1.0f - before[n];
    }
}

/* out = x - leak(x). */
static void decay(const lif_leak *leak, int32_t neurons, const float *restrict x, float *restrict out)
{
    const float kept = leak->terms < 0 ? leak->kept : 1.0f;

    for (int32_t n = 0; n < neurons; n++) {
        out[n] = x[n] * kept;
    }
    for (int32_t i = 0; i < leak->terms; i++) {
        const float scale = leak->scale[i], sign = leak->sign[i];

        for (int32_t n = 0; n < neurons; n++) {
            out[n] += sign * floorf(x[n] * scale);
        }
    }
}

/* The same of membranes, each with a leak of its own where there are rows of leaks. */
static void decay_own(const lif_leak *leak, const float *restrict leaks, int32_t neurons,
                      const float *restrict x, float *restrict out)
{
    if (leaks == NULL) {
        decay(leak, neurons, x, out);
        return;
    }
    for (int32_t n = 0; n < neurons; n++) {
        out[n] = leak->terms < 0 ? x[n] * leaks[n] : x[n];
    }
    for (int32_t i = 0; i < leak->terms; i++) {
        const float *restrict scale = leaks + (size_t)(2 * i + 1) * (size_t)neurons;
        const float *restrict sign = scale + neurons;

        for (int32_t n = 0; n < neurons; n++) {
            out[n] += sign[n] * floorf(x[n] * scale[n]);
        }
    }
}

/* b of the next step, and with it the threshold: b = b - leak_b(b) + q S. more: scratch of (neurons,). */
static void raise(const lif_settings *set, const float *restrict threshold, const float *restrict q,
                  const float *restrict spikes, float *restrict b, float *restrict more, float *restrict theta)
{
    decay(&set->leak_b, set->neurons, b, more);
    for (int32_t n = 0; n < set->neurons; n++) {
        b[n] = more[n] + q[n] * spikes[n];
        theta[n] = threshold[n] + b[n];
    }
}

static void fill(float *row, int32_t neurons, const float *value)
{
    for (int32_t n = 0; n < neurons; n++) {
        row[n] = value == NULL ? 0.0f : value[n];
    }
}

static void saturate(const lif_settings *set, float *restrict u)
{
    for (int32_t n = 0; n < set->neurons; n++) {
        const float above = u[n] < set->low ? set->low : u[n];

        u[n] = above > set->high ? set->high : above;
    }
}

/* rows: scratch of (5, neurons); echo: (sources, neurons). */
void lif_forward(const lif_settings *set, const float *current, const float *restrict threshold,
                 const float *restrict to, const float *restrict q, const float *leaks,
                 const float *echo, const int32_t *delays, float *u, float *spikes, float *rows)
{
    const size_t row = (size_t)set->neurons, step = row * (size_t)set->batch;
    float *restrict v = rows, *restrict c = rows + row, *restrict raised = rows + 2 * row,
                   *restrict theta = rows + 3 * row, *restrict more = rows + 4 * row;

    for (int32_t b = 0; b < set->batch; b++) {
        fill(v, set->neurons, NULL);
        fill(c, set->neurons, NULL);
        fill(raised, set->neurons, NULL);
        fill(theta, set->neurons, threshold);
        for (int32_t t = 0; t < set->steps; t++) {
            const size_t at = (size_t)t * step + (size_t)b * row;
            const float *restrict in = current + (set->held ? (size_t)b * row : at);
            float *restrict u_t = u + at;
            float *restrict s_t = spikes + at;

            decay_own(&set->leak, leaks, set->neurons, v, u_t);
            if (set->flows) {
                decay(&set->leak_c, set->neurons, c, more);
                for (size_t n = 0; n < row; n++) {
                    c[n] = more[n] + in[n];
                }
                if (echo != NULL) {
                    echo_add(echo, delays, t, spikes + (size_t)b * row, step, set->neurons, c);
                }
            }
            for (size_t n = 0; n < row; n++) {
                u_t[n] += set->flows ? c[n] : in[n];
            }
            if (echo != NULL && !set->flows) {
                echo_add(echo, delays, t, spikes + (size_t)b * row, step, set->neurons, u_t);
            }
            if (set->late && t > 0) {
                clear(set->neurons, s_t - step, u_t);
            }
            if (set->limited) {
                saturate(set, u_t);
            }
            for (size_t n = 0; n < row; n++) {
                s_t[n] = u_t[n] >= theta[n] ? 1.0f : 0.0f;
            }
            for (int32_t j = 2; j <= set->most; j++) {
                const float times = (float)j;

                for (size_t n = 0; n < row; n++) {
                    s_t[n] += u_t[n] >= times * theta[n] ? 1.0f : 0.0f;
                }
            }
            reset(set, u_t, s_t, threshold, to, v);
            if (set->adapts) {
                raise(set, threshold, q, s_t, raised, more, theta);
            }
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

/* What a reset that is not detached adds to dS and, times the threshold, to its gradient. */
static void through_reset(const lif_settings *set, const float *restrict u,
                          const float *restrict spikes, const float *restrict threshold,
                          const float *restrict to, const float *restrict dv, float *restrict ds,
                          float *restrict d_threshold)
{
    for (int32_t n = 0; n < set->neurons; n++) {
        ds[n] -= dv[n] * (set->replaces ? u[n] - to[n] : threshold[n]);
        d_threshold[n] -= set->replaces ? 0.0f : spikes[n] * dv[n] * threshold[n];
    }
}

/* The threshold of every step of a sample, (steps, neurons), that its spikes make. rows: scratch of
 * (2, neurons). */
static void thresholds(const lif_settings *set, const float *restrict threshold, const float *restrict q,
                       const float *spikes, size_t step, float *restrict rows, float *restrict theta)
{
    const size_t row = (size_t)set->neurons;

    fill(rows, set->neurons, NULL);
    fill(theta, set->neurons, threshold);
    for (int32_t t = 1; t < set->steps; t++) {
        raise(set, threshold, q, spikes + (size_t)(t - 1) * step, rows, rows + row, theta + (size_t)t * row);
    }
}

/* d_spikes: (1, batch, neurons) where `shared` is 1, the same at every step.
 * d_current: summed over the steps where the current is held.
 * rows: scratch of (8, neurons); d_threshold: (neurons,), overwritten.
 * echo: (neurons, sources); more: scratch of (steps, sources), for what it sends back.
 * thetas: scratch of (steps, neurons) where the threshold adapts. */
void lif_backward(const lif_settings *set, const float *d_spikes, int32_t shared, const float *u,
                  const float *spikes, const float *restrict threshold, const float *restrict to,
                  const float *restrict q, const float *leaks, const float *echo,
                  const int32_t *delays, float *d_current, double *restrict d_threshold,
                  float *rows, float *more, float *thetas)
{
    const size_t row = (size_t)set->neurons, step = row * (size_t)set->batch;
    float *restrict slope = rows, *restrict dv = rows + row, *restrict du = rows + 2 * row,
                   *restrict total = rows + 3 * row, *restrict close = rows + 4 * row,
                   *restrict back = rows + 5 * row, *restrict dc = rows + 6 * row,
                   *restrict db = rows + 7 * row;

    for (size_t n = 0; n < row; n++) {
        d_threshold[n] = 0.0;
    }
    for (int32_t b = 0; b < set->batch; b++) {
        fill(dv, set->neurons, NULL);
        fill(dc, set->neurons, NULL);
        fill(db, set->neurons, NULL);
        fill(total, set->neurons, NULL);
        for (size_t i = 0; echo != NULL && i < row * (size_t)set->steps; i++) {
            more[i] = 0.0f;
        }
        if (set->adapts) {
            thresholds(set, threshold, q, spikes + (size_t)b * row, step, close, thetas);
        }
        for (int32_t t = set->steps - 1; t >= 0; t--) {
            const size_t at = (size_t)t * step + (size_t)b * row;
            const float *restrict u_t = u + at;
            const float *restrict s_t = spikes + at;
            const float *restrict theta = set->adapts ? thetas + (size_t)t * row : threshold;
            const float *restrict ds = d_spikes + (shared ? (size_t)b * row : at);
            float *restrict out = d_current + (set->held ? (size_t)b * row : at);
            const int32_t first = set->truncate > 0 ? t - t % set->truncate : 0;
            const float passes = set->truncate > 0 && first == t ? 0.0f : 1.0f;

            if (set->most > 1) {
                nearest(set, u_t, theta, close);
                slopes(set, close, theta, slope);
            } else {
                slopes(set, u_t, theta, slope);
            }
            for (size_t n = 0; n < row; n++) {
                du[n] = ds[n] + (echo != NULL ? more[(size_t)t * row + n] : 0.0f);
            }
            if (set->adapts) {
                for (size_t n = 0; n < row; n++) {
                    du[n] += q[n] * db[n];
                    total[n] += s_t[n] * db[n] * q[n];
                }
            }
            if (!set->detached) {
                through_reset(set, u_t, s_t, threshold, to, dv, du, total);
            }
            for (size_t n = 0; n < row; n++) {
                du[n] *= slope[n];
                close[n] = du[n] * u_t[n];
            }
            if (set->adapts) {
                for (size_t n = 0; n < row; n++) {
                    const float fall = close[n] / theta[n];

                    close[n] = fall * threshold[n];
                    db[n] = (db[n] * set->leak_b.kept - fall) * passes;
                }
            }
            for (size_t n = 0; n < row; n++) {
                total[n] -= close[n];
                du[n] += set->replaces ? dv[n] * (1.0f - (s_t[n] > 1.0f ? 1.0f : s_t[n])) : dv[n];
            }
            if (set->limited) {
                for (size_t n = 0; n < row; n++) {
                    du[n] = u_t[n] > set->low && u_t[n] < set->high ? du[n] : 0.0f;
                }
            }
            if (set->late && t > 0) {
                clear(set->neurons, s_t - step, du);
            }
            for (size_t n = 0; n < row; n++) {
                dv[n] = du[n] * (leaks == NULL ? set->leak.kept : leaks[n]) * passes;
            }
            if (set->flows) {
                for (size_t n = 0; n < row; n++) {
                    du[n] += dc[n];
                    dc[n] = du[n] * set->leak_c.kept * passes;
                }
            }
            for (size_t n = 0; n < row; n++) {
                out[n] = set->held && t < set->steps - 1 ? out[n] + du[n] : du[n];
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
