/* The generated pair through binding.h: deterministic, and equal both ways. */
#include "../check.h"
#include "binding.h"

#include <string.h>

#define AT_LEAST_1(n) ((n) > 0u ? (n) : 1u)

typedef struct {
    model_state state;
    uint32_t spikes[AT_LEAST_1(MODEL_SPIKE_WORDS)];
    int32_t scores[AT_LEAST_1(MODEL_OUTPUTS)];
} run;

static uint32_t input[(MODEL_INPUT_BYTES + 3u) / 4u];
static run first, second;

/* Eight steps if the model runs free. */
static void run_steps(run *r)
{
    const uint32_t steps = MODEL_STEPS > 0u ? MODEL_STEPS : 8u;
    model_reset(&r->state);
    model_input(&r->state, input);
    for (uint32_t t = 0; t < steps; t++) {
        model_step(&r->state, input, r->spikes);
    }
}

int main(void)
{
    memset(input, 1, sizeof input);
    memset(&second, 0xA5, sizeof second);
    run_steps(&first);
    run_steps(&second);
    CHECK("same_spikes", memcmp(first.spikes, second.spikes, sizeof first.spikes), 0);
    const int32_t winner = model_scores(&first.state, first.scores);
    CHECK("same_winner", winner, model_scores(&second.state, second.scores));
    if (MODEL_INPUT_HELD && MODEL_STEPS > 0u) {
        CHECK("whole_inference", model_classify(&second.state, input, second.scores), winner);
        CHECK("same_scores", memcmp(first.scores, second.scores, sizeof first.scores), 0);
    }
    return check_end();
}
