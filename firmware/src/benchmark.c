#include "spikemcu/benchmark.h"

#include "spikemcu/counter.h"
#include "spikemcu/device.h"
#include "model_marks.h"
#include "spikemcu/protocol.h"
#include "spikemcu/reply.h"
#include "spikemcu/stack.h"
#include "spikemcu/stream.h"

#ifdef MODEL_MARKS
static marks_costs calibrated;
#endif

static void call_input(uintptr_t state, uintptr_t x, uintptr_t unused)
{
    (void)unused;
    model_input((model_state *)state, (const void *)x);
    MODEL_MARK(0);
}

static void call_step(uintptr_t state, uintptr_t x, uintptr_t out)
{
    model_step((model_state *)state, (const void *)x, (uint32_t *)out);
    MODEL_MARK(0);
}

static void call_scores(uintptr_t state, uintptr_t unused, uintptr_t scores)
{
    (void)unused;
    device.winner = model_scores((model_state *)state, (int32_t *)scores);
    MODEL_MARK(0);
}

static void call_infer(uintptr_t state, uintptr_t x, uintptr_t scores)
{
    device.winner = model_classify((model_state *)state, (const void *)x, (int32_t *)scores);
    MODEL_MARK(0);
}

static void append_span(frame *reply, counter_span span)
{
    append(reply, (uint32_t)span.ticks);
    append(reply, (uint32_t)(span.ticks >> 32));
    append(reply, span.wraps);
}

static uint8_t measure(frame *reply, counter_function f, uintptr_t a, uintptr_t b, uintptr_t c)
{
    const counter_calibration calibration = counter_calibrate();
#ifdef MODEL_MARKS
    calibrated = marks_calibrate();
    marks_start();
#endif
    const counter_span span = counter_measure(f, a, b, c);
    const uint64_t count = counter_count(&calibration, span);
    append(reply, (uint32_t)count);
    append(reply, (uint32_t)(count >> 32));
    append(reply, calibration.ticks_per_1000);
    append_span(reply, span);
    append_span(reply, calibration.empty);
    append_span(reply, calibration.known);
    return CODE_OK;
}

static uint8_t benchmark_loop(uint32_t argument, frame *reply)
{
    return argument > 0 ? measure(reply, counter_loop, argument, 0, 0) : CODE_BAD_RANGE;
}

/* The calls on the model that BENCHMARK counts: what they need, and what they leave. */
static uint8_t prepare_input(void)
{
    device.held = true;
    return MODEL_INPUT_HELD ? CODE_OK : CODE_NOT_HERE;
}

static uint8_t prepare_step(void)
{
    if (!device_may_step()) {
        return CODE_NOT_NOW;
    }
    device_hold_input();
    device.steps++;
    return CODE_OK;
}

static uint8_t prepare_infer(void)
{
    if (MODEL_INPUT_HELD == 0 || model_steps == 0) {
        return CODE_NOT_HERE;
    }
    device.steps = model_steps;
    device.scored = true;
    return CODE_OK;
}

static uint8_t prepare_scores(void)
{
    if (model_steps == 0) {
        return CODE_NOT_HERE;
    }
    return device_decided() ? CODE_OK : CODE_NOT_NOW;
}

typedef struct {
    uint8_t (*prepare)(void);
    counter_function call;
    void *second, *third; /* arguments behind the state */
} model_call;

static const model_call model_calls[] = {
    [BENCHMARK_INPUT] = {prepare_input, call_input, device.input, 0},
    [BENCHMARK_STEP] = {prepare_step, call_step, device.input, device.spikes},
    [BENCHMARK_INFER] = {prepare_infer, call_infer, device.input, device.scores},
    [BENCHMARK_SCORES] = {prepare_scores, call_scores, 0, device.scores},
    [BENCHMARK_SAMPLE] = {stream_prepare, stream_call, 0, 0},
};

static uint8_t find_call(uint32_t what, const model_call **found)
{
    if (what >= sizeof model_calls / sizeof *model_calls || model_calls[what].prepare == 0) {
        return CODE_BAD_RANGE;
    }
    *found = &model_calls[what];
    return (*found)->prepare();
}

uint8_t benchmark_reply(const frame *request, frame *reply)
{
    const uint32_t what = request->payload[0];
    const model_call *found = 0;
    if (what == BENCHMARK_LOOP) {
        return benchmark_loop(request->payload[1], reply);
    }
    const uint8_t code = find_call(what, &found);
    if (code == CODE_OK) {
        const uintptr_t state = (uintptr_t)&device.state;
        return measure(reply, found->call, state, (uintptr_t)found->second, (uintptr_t)found->third);
    }
    return code;
}

uint8_t parts_reply(const frame *request, frame *reply)
{
#ifdef MODEL_MARKS
    const uint32_t first = request->payload[0];
    if (first > MODEL_PARTS) {
        return CODE_BAD_RANGE;
    }
    append(reply, calibrated.many);
    append(reply, MARKS_CALIBRATED);
    append(reply, calibrated.first);
    append(reply, MODEL_PARTS);
    const uint32_t count = least(room(reply) / 3u, MODEL_PARTS - first);
    for (uint32_t i = 0; i < count; i++) {
        const marks_part *part = marks_of(first + i);
        append(reply, part->ticks);
        append(reply, part->marks);
        append(reply, part->wraps);
    }
    return CODE_OK;
#else
    (void)request;
    (void)reply;
    return CODE_NOT_HERE;
#endif
}

/* Bytes of stack that f takes, by what it leaves of a painted one. */
__attribute__((noinline)) static uint32_t stack_of(counter_function f, uintptr_t a, uintptr_t b, uintptr_t c)
{
    stack_paint();
    f(a, b, c);
    return stack_used() - stack_now();
}

uint8_t stack_reply(const frame *request, frame *reply)
{
    const model_call *found = 0;
    const uint8_t code = stack_size() > 0 ? find_call(request->payload[0], &found) : CODE_NOT_HERE;
    if (code == CODE_OK) {
        const uintptr_t state = (uintptr_t)&device.state;
        append(reply, stack_of(found->call, state, (uintptr_t)found->second, (uintptr_t)found->third));
    }
    return code;
}
