/* Runs a batch through the model and keeps what is asked for: the host side of the equivalence check. */
#include "binding.h"

#if MODEL_SENSOR
#include "driver_stream.h"
#endif
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

const char *driver_digest(void);
uint32_t driver_run(const uint8_t *x, uint32_t samples, uint32_t steps, int32_t *v, int32_t *scores,
    int64_t *predictions, int64_t *made, uint32_t *out, uint32_t *spikes, int32_t *traced_u,
    int32_t *traced_v);

const char *driver_digest(void)
{
    return MODEL_DIGEST;
}

static const uint32_t sizes[MODEL_LAYERS] = MODEL_LAYER_SIZES;
static const uint32_t state_sizes[MODEL_LAYERS] = MODEL_STATE_SIZES;
static const uint32_t signal_sizes[MODEL_LAYERS] = MODEL_SIGNAL_SIZES;
static const uint32_t signal_planes[MODEL_LAYERS] = MODEL_SIGNAL_PLANES;

/* Words of all planes of a layer's signal. */
static uint32_t signal_words(uint32_t layer)
{
    return signal_planes[layer] * ((signal_sizes[layer] + 31u) / 32u);
}

/* Signal words, neurons and membranes of all layers: what a step takes in the traces. */
static uint32_t trace_words(void)
{
    uint32_t words = 0u;

    for (uint32_t layer = 0u; layer < MODEL_LAYERS; layer++) {
        words += signal_words(layer);
    }
    return words;
}

static uint32_t sum_of(const uint32_t *values)
{
    uint32_t sum = 0u;

    for (uint32_t layer = 0u; layer < MODEL_LAYERS; layer++) {
        sum += values[layer];
    }
    return sum;
}

/* Write every layer's signal, u and v of this step. */
static void keep(const model_state *state, uint32_t *spikes, int32_t *u, int32_t *v)
{
    for (uint32_t layer = 0u; layer < MODEL_LAYERS; layer++) {
        const uint32_t words = signal_words(layer);

        (void)memcpy(spikes, model_spikes(state, layer), words * sizeof *spikes);
        model_before_reset(state, layer, 0u, sizes[layer], u);
        model_membranes(state, layer, 0u, state_sizes[layer], v);
        spikes += words;
        u += sizes[layer];
        v += state_sizes[layer];
    }
}

/* The states of one call: every call has its own, so that threads may call at the same time. */
typedef struct {
    model_state stepped;
    model_state whole;
} driver_states;

/* Return 1 if a whole inference of a sample gives the same class and scores, else 0. */
static int same_whole(model_state *whole, const uint8_t *x, int64_t prediction, const int32_t *scores)
{
    int32_t again[MODEL_OUTPUTS + 1u]; /* never empty */

    return model_classify(whole, x, again) == prediction &&
        memcmp(again, scores, MODEL_OUTPUTS * sizeof *scores) == 0;
}

/*
 * Run the samples step by step, and those of a fixed number of steps once more as a whole. Returns
 * 0, or the number, from 1 on, of the first sample to which the two ways give different results;
 * UINT32_MAX, and nothing is written, if there is no memory for two states.
 *
 * x: the inputs of all samples (of all steps, unless it is held), one behind the other.
 * v: final membranes of every sample, layer after layer, of those that have any. out: the planes
 * of the last layer's signal at every step, or NULL. scores, predictions, made (steps until it was
 * decided): NULL for a free-running model. spikes (planes of signals), traced_u, traced_v: step
 * after step, layer after layer, or NULL; those of steps that were not made are left as they are.
 */
uint32_t driver_run(const uint8_t *x, uint32_t samples, uint32_t steps, int32_t *v, int32_t *scores,
    int64_t *predictions, int64_t *made, uint32_t *out, uint32_t *spikes, int32_t *traced_u,
    int32_t *traced_v)
{
    const uint32_t words = trace_words(), values = sum_of(sizes), kept = sum_of(state_sizes);
    driver_states *states = calloc(1u, sizeof *states);
    model_state *state;
    /* An own copy, aligned for words, of exactly one input: a read beyond it is seen. */
    uint32_t input[(MODEL_INPUT_BYTES + 3u) / 4u];
    uint32_t last[MODEL_SPIKE_WORDS];
    uint32_t different = 0u;

    if (states == NULL) {
        return UINT32_MAX;
    }
    state = &states->stepped;
    for (uint32_t sample = 0u; sample < samples; sample++) {
        uint32_t done = 0u;

        model_reset(state);
        while (done < steps) {
            if ((done == 0u) || (MODEL_INPUT_HELD == 0)) {
                (void)memcpy(input, x + done * MODEL_INPUT_BYTES, MODEL_INPUT_BYTES);
                model_input(state, input);
            }
            model_step(state, input, last);
            if (out != NULL) {
                (void)memcpy(out + done * MODEL_SPIKE_WORDS, last, sizeof last);
            }
            if (spikes != NULL) {
                keep(state, spikes + done * words, traced_u + done * values, traced_v + done * kept);
            }
            done++;
            if (MODEL_STOPS && model_decided(state, done, scores) >= 0) {
                break;
            }
        }
        if (out != NULL) {
            out += steps * MODEL_SPIKE_WORDS;
        }
        if (spikes != NULL) {
            spikes += steps * words;
            traced_u += steps * values;
            traced_v += steps * kept;
        }
        for (uint32_t layer = 0u; layer < MODEL_LAYERS; layer++) {
            model_membranes(state, layer, 0u, state_sizes[layer], v);
            v += state_sizes[layer];
        }
        if (scores != NULL) {
            *predictions = model_scores(state, scores);
            if (different == 0u && !same_whole(&states->whole, x, *predictions, scores)) {
                different = sample + 1u;
            }
            *made++ = done;
            predictions++;
            scores += MODEL_OUTPUTS;
        }
        x += (MODEL_INPUT_HELD ? (steps > 0u) : steps) * MODEL_INPUT_BYTES;
    }
    free(states);
    return different;
}
