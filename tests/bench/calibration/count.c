/* Counts the calls of a model on an emulated core: input comes from QEMU's stdin, counts go to its stdout.
 *
 * A request is a word, what is asked for, and the input of a call: an inference; of a model that runs free
 * a step, or the holding of an input. The answer are words, the same number for all requests.
 */
#include "binding.h"
#include "model_marks.h"
#include "semihosting.h"
#include "spikemcu/counter.h"

#define VECTORS (!MODEL_INPUT_HELD && MODEL_STEPS ? MODEL_STEPS : 1u)
#define INPUT_WORDS ((MODEL_INPUT_BYTES * VECTORS + 3u) / 4u)
#ifdef MODEL_MARKS
#define COUNTED MODEL_PARTS
#else
#define COUNTED 1u
#endif

enum {
    RESTART = 1,
    HOLD = 2
};

static struct {
    uint32_t what;
    uint32_t input[INPUT_WORDS];
} request;
static struct {
    uint32_t per_1000, many, marks, first; /* of the timer, and of the marks */
    uint32_t parts[COUNTED][3]; /* ticks, marks, wraps; without marks the count alone */
} answer;
static model_state state;
static uint32_t out[MODEL_SPIKE_WORDS];
static int32_t scores[MODEL_OUTPUTS + 1u];

static void call(uintptr_t unused, uintptr_t x, uintptr_t result)
{
    (void)unused;
    if (MODEL_STEPS != 0u) {
        (void)model_classify(&state, (const void *)x, (int32_t *)result);
    } else if ((request.what & HOLD) != 0u) {
        model_input(&state, (const void *)x);
    } else {
        model_step(&state, (const void *)x, out);
    }
    MODEL_MARK(0);
}

static void count(void)
{
    const counter_calibration calibration = counter_calibrate();

    answer.per_1000 = calibration.ticks_per_1000;
#ifdef MODEL_MARKS
    const marks_costs costs = marks_calibrate();

    answer.many = costs.many;
    answer.marks = MARKS_CALIBRATED;
    answer.first = costs.first;
    marks_start();
#endif
    const counter_span span = counter_measure(call, 0, (uintptr_t)request.input, (uintptr_t)scores);
    answer.parts[0][0] = (uint32_t)counter_count(&calibration, span);
#ifdef MODEL_MARKS
    for (uint32_t i = 0u; i < MODEL_PARTS; i++) {
        const marks_part *const part = marks_of(i);

        answer.parts[i][0] = part->ticks;
        answer.parts[i][1] = part->marks;
        answer.parts[i][2] = part->wraps;
    }
#endif
}

int main(void)
{
    const int32_t from = semihosting_open_console(0);
    const int32_t to = semihosting_open_console(1);

    while (semihosting_fill(from, &request, sizeof request) == 0u) {
        if ((request.what & RESTART) != 0u) {
            model_reset(&state);
        }
        count();
        (void)semihosting_write(to, &answer, sizeof answer);
    }
    return 0;
}
