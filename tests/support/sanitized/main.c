/* Runs vectors through a model as a program of its own: every object has exactly its size. */
#include "binding.h"
#include "vectors.h"

#include <stdio.h>
#include <string.h>

#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
#include <sanitizer/msan_interface.h>
#define FORGET(x) __msan_poison(&(x), sizeof(x))
#endif
#endif
#ifndef FORGET /* nothing may rest on what was there before */
#define FORGET(x) ((void)memset(&(x), 0xa5, sizeof(x)))
#endif

static model_state state;
static INPUT_TYPE x[INPUT_VALUES]; /* of one step */
static INPUT_TYPE all[INPUT_VALUES * (MODEL_INPUT_HELD ? 1u : STEPS)];
static uint32_t out[MODEL_SPIKE_WORDS];
static int32_t scores[SCORES];
static const uint32_t sizes[MODEL_LAYERS] = MODEL_LAYER_SIZES;

static void forget_scratch(void)
{
    FORGET_SCRATCH
}

static int differs(const char *what, uint32_t sample, uint32_t step)
{
    (void)printf("%s of sample %u, step %u differ\n", what, (unsigned)sample, (unsigned)step);
    return 1;
}

static int membranes_differ(uint32_t sample, uint32_t step)
{
    const int32_t *expected = vector_membranes[sample * STEPS + step];

    for (uint32_t layer = 0u; layer < MODEL_LAYERS; layer++) {
        for (uint32_t j = 0u; j < sizes[layer]; j++) {
            static int32_t v;

            model_membranes(&state, layer, j, 1u, &v);
            if (v != *expected) {
                return 1;
            }
            expected++;
        }
    }
    return 0;
}

/* Step by step, until it is decided. */
static int walk(uint32_t sample)
{
    uint32_t step = 0u;

    FORGET(state);
    model_reset(&state);
    for (; step < STEPS; step++) {
        if ((step == 0u) || !MODEL_INPUT_HELD) {
            (void)memcpy(x, vector_inputs[sample] + step * INPUT_VALUES, sizeof x);
            forget_scratch();
            model_input(&state, x);
        }
        forget_scratch();
        model_step(&state, x, out);
        if (memcmp(out, vector_spikes[sample * STEPS + step], sizeof out) != 0) {
            return differs("spikes", sample, step);
        }
        if (membranes_differ(sample, step)) {
            return differs("membranes", sample, step);
        }
        forget_scratch();
        if (MODEL_STOPS && (model_decided(&state, step + 1u, scores) >= 0)) {
            break;
        }
    }
    return 0;
}

static int classify(uint32_t sample)
{
    FORGET(state);
    (void)memcpy(all, vector_inputs[sample], sizeof all);
    if (model_classify(&state, all, scores) != vector_classes[sample][0]) {
        return differs("classes", sample, 0u);
    }
    return memcmp(scores, vector_scores[sample], sizeof scores) != 0 ? differs("scores", sample, 0u) : 0;
}

int main(void)
{
    for (uint32_t sample = 0u; sample < VECTORS; sample++) {
        if ((walk(sample) != 0) || ((MODEL_OUTPUTS != 0u) && (classify(sample) != 0))) {
            return 1;
        }
    }
    (void)printf("%u vectors\n", (unsigned)VECTORS);
    return 0;
}
