/* Counts what surrounds a network on an emulated core: requests come from QEMU's stdin, counts go to its stdout.
 *
 * A request is what is asked for, two numbers, and values: a sample of the stream, a look at scores, or memory that
 * is moved, by the numbers its bytes and how far; nothing tells what the call around it takes. The answer are three
 * words.
 */
#include "binding.h"
#include "semihosting.h"
#include "spikemcu/counter.h"

#include <string.h>

enum {
    SAMPLE,
    DETECT,
    MOVE,
    RESTART,
    NOTHING
};

#define MOST 4096u /* bytes that are moved, and how far */
#define LONGER(a, b) ((a) > (b) ? (a) : (b))
#define WORDS LONGER((MODEL_CHANNELS + 1u) / 2u, MODEL_OUTPUTS)

static struct {
    uint32_t what, size, distance;
    uint32_t words[WORDS];
} request;
static struct {
    uint32_t per_1000, count, came;
} answer;
static model_stream stream;
static uint32_t memory[2u * MOST / sizeof(uint32_t)];
static uint32_t out[MODEL_SPIKE_WORDS];
static int32_t scores[MODEL_OUTPUTS + 1u];
static int32_t winner;

static void call(uintptr_t unused, uintptr_t words, uintptr_t unused2)
{
    (void)unused;
    (void)unused2;
    if (request.what == NOTHING) {
        answer.came = 1u;
    } else if (request.what == SAMPLE || request.what == RESTART) {
        answer.came = (uint32_t)model_sample(&stream, (const int16_t *)words, &winner, scores, out);
#if MODEL_DETECTOR
    } else if (request.what == DETECT) {
        winner = model_detect(&stream, (const int32_t *)words);
#endif
    } else {
        (void)memmove(memory, (const char *)memory + request.distance, request.size);
    }
}

int main(void)
{
    const int32_t from = semihosting_open_console(0);
    const int32_t to = semihosting_open_console(1);
    const counter_calibration calibration = counter_calibrate();

    while (semihosting_fill(from, &request, sizeof request) == 0u) {
        if (request.what == RESTART) {
            model_stream_reset(&stream);
        }
        answer.came = 0u;
        answer.per_1000 = calibration.ticks_per_1000;
        answer.count = (uint32_t)counter_count(&calibration, counter_measure(call, 0, (uintptr_t)request.words, 0));
        (void)semihosting_write(to, &answer, sizeof answer);
    }
    return 0;
}
