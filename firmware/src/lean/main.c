/* The firmware of a chip with too little memory for a link: it runs test vectors that lie in flash behind the
 * program, and tells every answer.
 *
 * Words at flash_free: how many vectors there are, and the steps of a model that runs free; then the vectors, each
 * padded to words: one that is held, or those of all steps, one behind the other.
 *
 * An answer are words: ticks and wraps of the timer over its calls, those of an empty function taken off (0 unless
 * built with LEAN_COUNTS), the class, the steps that were made, and the scores. A model that runs free tells the
 * signal of its last layer after every step instead, in front, and -1 as its class. Last come the bytes of stack that
 * were used, and the ticks of 1000 instructions.
 */
#include <string.h>

#include "binding.h"
#include "semihosting.h"
#include "spikemcu/counter.h"
#include "startup.h"

#define WORD 4u
#define VECTOR_WORDS ((MODEL_INPUT_BYTES + WORD - 1u) / WORD)
#define AT_LEAST_1(n) ((n) > 0u ? (n) : 1u)
#define NO_CLASS 0xFFFFFFFFu

extern const uint32_t flash_free[]; /* vectors, steps, words of the vectors */

static model_state state;
static struct {
    uint32_t ticks, wraps, winner, steps;
    int32_t scores[AT_LEAST_1(MODEL_OUTPUTS)];
} answer;
static int32_t console;
#ifdef LEAN_COUNTS
static counter_calibration calibration;
#endif

static void tell(const void *words, uint32_t bytes)
{
    (void)semihosting_write(console, words, bytes);
}

#if MODEL_STEPS > 0
static void classify(uintptr_t x, uintptr_t unused1, uintptr_t unused2)
{
    (void)unused1;
    (void)unused2;
    answer.winner = (uint32_t)model_classify(&state, (const void *)x, answer.scores);
    answer.steps = model_steps_made(&state);
}
#else
static uint32_t spikes[MODEL_SPIKE_WORDS];

static void hold(uintptr_t x, uintptr_t unused1, uintptr_t unused2)
{
    (void)unused1;
    (void)unused2;
    model_input(&state, (const void *)x);
}

static void step(uintptr_t x, uintptr_t unused1, uintptr_t unused2)
{
    (void)unused1;
    (void)unused2;
    model_step(&state, (const void *)x, spikes);
}
#endif

/* Calls a function of the model on an input, and counts what it takes. */
static void run(counter_function call, const uint32_t *x)
{
#ifdef LEAN_COUNTS
    const counter_span span = counter_measure(call, (uintptr_t)x, 0, 0);
    answer.ticks += (uint32_t)span.ticks - (uint32_t)calibration.empty.ticks;
    answer.wraps += span.wraps;
#else
    call((uintptr_t)x, 0, 0);
#endif
}

/* Runs a vector and tells the answer; returns where the next one lies. */
static const uint32_t *run_vector(const uint32_t *x)
{
    memset(&answer, 0, sizeof answer);
#if MODEL_STEPS > 0
    run(classify, x);
    tell(&answer, 4u * WORD + MODEL_OUTPUTS * WORD);
    return x + VECTOR_WORDS * (MODEL_INPUT_HELD ? 1u : MODEL_STEPS);
#else
    const uint32_t steps = flash_free[1];
    model_reset(&state);
    if (MODEL_INPUT_HELD) {
        run(hold, x);
    }
    for (uint32_t t = 0; t < steps; t++) {
        run(step, MODEL_INPUT_HELD ? x : x + t * VECTOR_WORDS);
        tell(spikes, sizeof spikes);
    }
    answer.winner = NO_CLASS;
    answer.steps = steps;
    tell(&answer, 4u * WORD);
    return x + VECTOR_WORDS * (MODEL_INPUT_HELD ? 1u : steps);
#endif
}

int main(void)
{
    const uint32_t *x = flash_free + 2;
    console = semihosting_open_console(1);
#ifdef LEAN_COUNTS
    calibration = counter_calibrate();
#endif
    for (uint32_t n = 0; n < flash_free[0]; n++) {
        x = run_vector(x);
    }
    uint32_t end[2] = {stack_used(), 0};
#ifdef LEAN_COUNTS
    end[1] = calibration.ticks_per_1000;
#endif
    tell(end, sizeof end);
    return 0;
}
