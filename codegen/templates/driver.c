/* Runs a batch through the model and keeps what is asked for: the host side of the equivalence check. */
#include "binding.h"

#include <stddef.h>
#include <string.h>

const char *driver_digest(void);
void driver_run(const uint8_t *x, uint32_t samples, uint32_t steps, int32_t *v, int32_t *scores,
                int64_t *predictions, uint32_t *out, uint32_t *spikes, int32_t *traced_u, int32_t *traced_v);

const char *driver_digest(void)
{
    return MODEL_DIGEST;
}

static const uint32_t sizes[MODEL_LAYERS] = MODEL_LAYER_SIZES;

/* Append every layer's spikes, u and v of this step to the traces. */
static void keep(const model_state *state, uint32_t **spikes, int32_t **u, int32_t **v)
{
    for (uint32_t layer = 0u; layer < MODEL_LAYERS; layer++) {
        const uint32_t words = (sizes[layer] + 31u) / 32u;

        (void)memcpy(*spikes, model_spikes(state, layer), words * sizeof **spikes);
        model_before_reset(state, layer, 0u, sizes[layer], *u);
        model_membranes(state, layer, 0u, sizes[layer], *v);
        *spikes += words;
        *u += sizes[layer];
        *v += sizes[layer];
    }
}

/*
 * x: the inputs of all samples (of all steps, unless it is held), one behind the other.
 * v: final membranes of every sample, layer after layer. out: spikes of the last layer at
 * every step, or NULL. scores, predictions: NULL for a free-running model. spikes, traced_u,
 * traced_v: step after step, layer after layer, or NULL.
 */
void driver_run(const uint8_t *x, uint32_t samples, uint32_t steps, int32_t *v, int32_t *scores,
                int64_t *predictions, uint32_t *out, uint32_t *spikes, int32_t *traced_u, int32_t *traced_v)
{
    static model_state state;
    /* An own copy, aligned for words, of exactly one input: a read beyond it is seen. */
    uint32_t input[(MODEL_INPUT_BYTES + 3u) / 4u];
    uint32_t last[MODEL_SPIKE_WORDS];

    for (uint32_t sample = 0u; sample < samples; sample++) {
        model_reset(&state);
        for (uint32_t step = 0u; step < steps; step++) {
            if ((step == 0u) || (MODEL_INPUT_HELD == 0)) {
                (void)memcpy(input, x, MODEL_INPUT_BYTES);
                x += MODEL_INPUT_BYTES;
                model_input(&state, input);
            }
            model_step(&state, input, last);
            if (out != NULL) {
                (void)memcpy(out, last, sizeof last);
                out += MODEL_SPIKE_WORDS;
            }
            if (spikes != NULL) {
                keep(&state, &spikes, &traced_u, &traced_v);
            }
        }
        for (uint32_t layer = 0u; layer < MODEL_LAYERS; layer++) {
            model_membranes(&state, layer, 0u, sizes[layer], v);
            v += sizes[layer];
        }
        if (scores != NULL) {
            *predictions++ = model_scores(&state, scores);
            scores += MODEL_OUTPUTS;
        }
    }
}
