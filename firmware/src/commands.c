#include "commands.h"

#include <stdbool.h>
#include <string.h>

#include "binding.h"
#include "counter.h"
#include "model_marks.h"
#include "protocol.h"
#include "startup.h"

#define SPIKE_WORDS(neurons) (((neurons) + 31u) / 32u)
#define AT_LEAST_1(n) ((n) > 0u ? (n) : 1u)
#define WORD 4u

static const uint32_t layer_sizes[MODEL_LAYERS] = MODEL_LAYER_SIZES;
static const uint32_t model_steps = MODEL_STEPS, model_outputs = MODEL_OUTPUTS;

/* All that the firmware keeps of a model. */
typedef struct {
    model_state state;
    uint32_t input[(MODEL_INPUT_BYTES + 3u) / 4u];
    uint32_t spikes[AT_LEAST_1(MODEL_SPIKE_WORDS)]; /* of the last layer */
    int32_t scores[AT_LEAST_1(MODEL_OUTPUTS)];
    int32_t winner;
    uint32_t steps; /* since the reset */
    bool held;      /* analog: the currents belong to the input vector */
    bool scored;    /* scores and winner belong to the steps that were done */
} device_state;

static device_state device;

/* Every command returns a code, and appends words to its reply. */
typedef uint8_t (*command)(const frame *request, frame *reply);

static void append(frame *reply, uint32_t word)
{
    reply->payload[reply->length / WORD] = word;
    reply->length = (uint16_t)(reply->length + WORD);
}

/* Words that still fit into the reply. */
static uint32_t room(const frame *reply)
{
    return FRAME_PAYLOAD_WORDS - reply->length / WORD;
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* ------------------------------------------------------------------ the model */

static void reset_model(void)
{
    model_reset(&device.state);
    device.steps = 0;
    device.held = false;
    device.scored = false;
}

static void hold_input(void)
{
    if (MODEL_INPUT_KIND == INPUT_ANALOG && !device.held) {
        model_input(&device.state, device.input);
        device.held = true;
    }
}

/* A model of T steps has a bound for T steps only: none may follow. */
static bool may_step(void)
{
    return model_steps == 0 || device.steps < model_steps;
}

/* Writes the request's bytes, if any, into the input vector. */
static uint8_t take_input(const frame *request)
{
    if (request->length == 0) {
        return CODE_OK;
    }
    if (request->length < WORD) {
        return CODE_BAD_LENGTH;
    }
    const uint32_t offset = request->payload[0], count = request->length - WORD;
    if (offset > MODEL_INPUT_BYTES || count > MODEL_INPUT_BYTES - offset) {
        return CODE_BAD_RANGE;
    }
    memcpy((uint8_t *)device.input + offset, &request->payload[1], count);
    device.held = false;
    return CODE_OK;
}

/* ------------------------------------------------------------------ the trace */

static uint32_t trace_size(void)
{
    uint32_t size = 0;
    for (uint32_t layer = 0; layer < MODEL_LAYERS; layer++) {
        size += SPIKE_WORDS(layer_sizes[layer]) + layer_sizes[layer];
    }
    return size;
}

/* Appends spike words [first, first + count) of a layer. */
static void append_spikes(frame *reply, uint32_t layer, uint32_t first, uint32_t count)
{
    const uint32_t *spikes = model_spikes(&device.state, layer);
    for (uint32_t i = 0; i < count; i++) {
        append(reply, spikes[first + i]);
    }
}

static void append_membranes(frame *reply, uint32_t layer, uint32_t first, uint32_t count)
{
    int32_t *membranes = (int32_t *)&reply->payload[reply->length / WORD];
    model_membranes(&device.state, layer, first, count, membranes);
    reply->length = (uint16_t)(reply->length + count * WORD);
}

/* Appends trace words [first, first + count); the caller has checked that they exist and fit. */
static void append_trace(frame *reply, uint32_t first, uint32_t count)
{
    static void (*const parts[2])(frame *, uint32_t, uint32_t, uint32_t) = {append_spikes, append_membranes};
    for (uint32_t part = 0; count > 0; part++) {
        const uint32_t neurons = layer_sizes[part / 2u];
        const uint32_t words = part % 2u == 0 ? SPIKE_WORDS(neurons) : neurons;
        if (first >= words) {
            first -= words;
            continue;
        }
        const uint32_t now = least(count, words - first);
        parts[part % 2u](reply, part / 2u, first, now);
        count -= now;
        first = 0;
    }
}

/* ------------------------------------------------------------------ commands */

static void append_text(frame *reply, const char *text, uint32_t bytes)
{
    char *place = (char *)&reply->payload[reply->length / WORD];
    memset(place, 0, bytes);
    memcpy(place, text, least((uint32_t)strlen(text), bytes));
    reply->length = (uint16_t)(reply->length + bytes);
}

static uint32_t core_part(void)
{
    return *(const volatile uint32_t *)0xE000ED00u; /* CPUID */
}

/* 32 bytes digest, 32 bytes name (zero-terminated), then words: protocol version, kind of
 * input, inputs, input bytes, steps, outputs, layers, bytes of the model's state, CPUID,
 * stack bytes, most stack bytes in use so far, then the layer sizes from `first` on. */
static uint8_t info_reply(const frame *request, frame *reply)
{
    const uint32_t first = request->payload[0];
    if (first > MODEL_LAYERS) {
        return CODE_BAD_RANGE;
    }
    const uint32_t words[] = {
        PROTOCOL_VERSION, MODEL_INPUT_KIND, MODEL_INPUTS, MODEL_INPUT_BYTES, MODEL_STEPS, MODEL_OUTPUTS,
        MODEL_LAYERS, sizeof(model_state), core_part(), stack_size(), stack_used(),
    };
    append_text(reply, MODEL_DIGEST, 32);
    append_text(reply, MODEL_NAME, 32);
    for (uint32_t i = 0; i < sizeof words / sizeof *words; i++) {
        append(reply, words[i]);
    }
    const uint32_t count = least(room(reply), MODEL_LAYERS - first);
    for (uint32_t i = 0; i < count; i++) {
        append(reply, layer_sizes[first + i]);
    }
    return CODE_OK;
}

static uint8_t input_reply(const frame *request, frame *reply)
{
    (void)reply;
    return take_input(request);
}

static uint8_t reset_reply(const frame *request, frame *reply)
{
    (void)reply;
    const uint8_t code = take_input(request);
    if (code == CODE_OK) {
        reset_model();
    }
    return code;
}

static uint8_t step_reply(const frame *request, frame *reply)
{
    const uint8_t code = may_step() ? take_input(request) : CODE_NOT_NOW;
    if (code == CODE_OK) {
        hold_input();
        model_step(&device.state, device.input, device.spikes);
        append(reply, ++device.steps);
    }
    return code;
}

static uint8_t trace_reply(const frame *request, frame *reply)
{
    const uint8_t code = step_reply(request, reply);
    if (code == CODE_OK) {
        append_trace(reply, 0, least(room(reply), trace_size()));
    }
    return code;
}

static void append_scores(frame *reply, uint32_t first, uint32_t count)
{
    append(reply, (uint32_t)device.winner);
    count = least(count, room(reply));
    for (uint32_t i = 0; i < count; i++) {
        append(reply, (uint32_t)device.scores[first + i]);
    }
}

static uint8_t infer_reply(const frame *request, frame *reply)
{
    if (MODEL_INPUT_KIND != INPUT_ANALOG || model_steps == 0) {
        return CODE_NOT_HERE;
    }
    const uint8_t code = take_input(request);
    if (code == CODE_OK) {
        device.winner = model_classify(&device.state, device.input, device.scores);
        device.scored = true;
        device.steps = model_steps;
        append_scores(reply, 0, model_outputs);
    }
    return code;
}

static uint8_t scores_reply(const frame *request, frame *reply)
{
    const uint32_t first = request->payload[0], count = request->payload[1];
    if (model_steps == 0) {
        return CODE_NOT_HERE;
    }
    if (device.steps < model_steps) {
        return CODE_NOT_NOW;
    }
    if (first > model_outputs || count > model_outputs - first) {
        return CODE_BAD_RANGE;
    }
    if (!device.scored) {
        device.winner = model_scores(&device.state, device.scores);
        device.scored = true;
    }
    append_scores(reply, first, count);
    return CODE_OK;
}

static uint8_t probe_reply(const frame *request, frame *reply)
{
    const uint32_t first = request->payload[0], count = request->payload[1], size = trace_size();
    if (first > size || count > size - first || count > room(reply)) {
        return CODE_BAD_RANGE;
    }
    append_trace(reply, first, count);
    return CODE_OK;
}

/* ------------------------------------------------------------------ benchmark */

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

/* Words: instructions (low, high), ticks per 1000 instructions, then three spans, each ticks
 * (low, high) and wraps: the call itself, an empty function, counter_loop(COUNTER_LOOPS). */
static uint8_t measure(frame *reply, counter_function f, uintptr_t a, uintptr_t b, uintptr_t c)
{
    const counter_calibration calibration = counter_calibrate();
#ifdef MODEL_MARKS
    calibrated = marks_calibrate();
    marks_start();
#endif
    const counter_span span = counter_measure(f, a, b, c);
    const uint64_t instructions = counter_instructions(&calibration, span);
    append(reply, (uint32_t)instructions);
    append(reply, (uint32_t)(instructions >> 32));
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
    return MODEL_INPUT_KIND == INPUT_ANALOG ? CODE_OK : CODE_NOT_HERE;
}

static uint8_t prepare_step(void)
{
    if (!may_step()) {
        return CODE_NOT_NOW;
    }
    hold_input();
    device.steps++;
    return CODE_OK;
}

static uint8_t prepare_infer(void)
{
    if (MODEL_INPUT_KIND != INPUT_ANALOG || model_steps == 0) {
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
    device.scored = true;
    return device.steps < model_steps ? CODE_NOT_NOW : CODE_OK;
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
};

static uint8_t find_call(uint32_t what, const model_call **found)
{
    if (what >= sizeof model_calls / sizeof *model_calls || model_calls[what].prepare == 0) {
        return CODE_BAD_RANGE;
    }
    *found = &model_calls[what];
    return (*found)->prepare();
}

static uint8_t benchmark_reply(const frame *request, frame *reply)
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

/* Words: ticks of a number of marks, that number, ticks before the first, parts; then for each part from
 * `first` on its ticks, marks and wraps, of the last BENCHMARK. */
static uint8_t parts_reply(const frame *request, frame *reply)
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

/* A word: bytes of stack of the call, its forwarding in binding.h included. */
static uint8_t stack_reply(const frame *request, frame *reply)
{
    const model_call *found = 0;
    const uint8_t code = find_call(request->payload[0], &found);
    if (code == CODE_OK) {
        const uintptr_t state = (uintptr_t)&device.state;
        append(reply, stack_of(found->call, state, (uintptr_t)found->second, (uintptr_t)found->third));
    }
    return code;
}

/* ------------------------------------------------------------------ dispatch */

typedef struct {
    command run;
    uint16_t shortest, longest; /* payload bytes */
} row;

static const row rows[] = {
    [TYPE_INFO] = {info_reply, 4, 4},
    [TYPE_INPUT] = {input_reply, 0, FRAME_PAYLOAD},
    [TYPE_RESET] = {reset_reply, 0, FRAME_PAYLOAD},
    [TYPE_STEP] = {step_reply, 0, FRAME_PAYLOAD},
    [TYPE_TRACE] = {trace_reply, 0, FRAME_PAYLOAD},
    [TYPE_INFER] = {infer_reply, 0, FRAME_PAYLOAD},
    [TYPE_SCORES] = {scores_reply, 8, 8},
    [TYPE_PROBE] = {probe_reply, 8, 8},
    [TYPE_BENCHMARK] = {benchmark_reply, 8, 8},
    [TYPE_PARTS] = {parts_reply, 4, 4},
    [TYPE_STACK] = {stack_reply, 4, 4},
};

static uint8_t dispatch(const frame *request, frame *reply)
{
    if (request->type >= sizeof rows / sizeof *rows || rows[request->type].run == 0) {
        return CODE_UNKNOWN_TYPE;
    }
    const row *found = &rows[request->type];
    if (request->length < found->shortest || request->length > found->longest) {
        return CODE_BAD_LENGTH;
    }
    return found->run(request, reply);
}

void commands_execute(const frame *request, frame *reply)
{
    reply->type = request->type;
    reply->length = 0;
    reply->code = dispatch(request, reply);
    if (reply->code != CODE_OK) {
        reply->length = 0;
    }
}

void commands_start(void)
{
    reset_model();
}
