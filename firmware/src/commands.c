#include "spikemcu/commands.h"

#include <string.h>

#include "spikemcu/benchmark.h"
#include "spikemcu/counter.h"
#include "spikemcu/device.h"
#include "spikemcu/machine.h"
#include "spikemcu/protocol.h"
#include "spikemcu/reply.h"
#include "spikemcu/stack.h"
#include "spikemcu/stream.h"

static const uint32_t layer_sizes[MODEL_LAYERS] = MODEL_LAYER_SIZES;
static const uint32_t state_sizes[MODEL_LAYERS] = MODEL_STATE_SIZES;
static const uint32_t signal_sizes[MODEL_LAYERS] = MODEL_SIGNAL_SIZES;
static const uint32_t signal_planes[MODEL_LAYERS] = MODEL_SIGNAL_PLANES;

/* Words of all planes of a layer's signal. */
static uint32_t signal_words(uint32_t layer)
{
    return signal_planes[layer] * ((signal_sizes[layer] + 31u) / 32u);
}

/* Every command returns a code, and appends words to its reply. */
typedef uint8_t (*command)(const frame *request, frame *reply);

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
        size += signal_words(layer) + state_sizes[layer];
    }
    return size;
}

/* Appends words [first, first + count) of a layer's signal. */
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
    for (uint32_t part = 0; count > 0 && part < 2u * MODEL_LAYERS; part++) {
        const uint32_t layer = part / 2u;
        const uint32_t words = part % 2u == 0 ? signal_words(layer) : state_sizes[layer];
        if (first >= words) {
            first -= words;
            continue;
        }
        const uint32_t now = least(count, words - first);
        parts[part % 2u](reply, layer, first, now);
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

/* 32 bytes digest, 32 bytes name (zero-terminated), then words: protocol version, kind of
 * input, inputs, input bytes, steps, outputs, layers, bytes of the model's state, CPUID,
 * stack bytes, most stack bytes in use so far (0, 0 where that is not known), what the counter counts,
 * the core clock in Hz, then the layer sizes from `first` on. */
static uint8_t info_reply(const frame *request, frame *reply)
{
    const uint32_t first = request->payload[0];
    if (first > MODEL_LAYERS) {
        return CODE_BAD_RANGE;
    }
    /* clang-format off */
    const uint32_t words[] = {
        PROTOCOL_VERSION, MODEL_INPUT_KIND, MODEL_INPUTS, MODEL_INPUT_BYTES, MODEL_STEPS, MODEL_OUTPUTS,
        MODEL_LAYERS, sizeof(model_state), machine_core(), stack_size(), stack_used(),
        counter_kind(), machine_clock(),
    };
    /* clang-format on */
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
        device_reset();
    }
    return code;
}

static uint8_t step_reply(const frame *request, frame *reply)
{
    const uint8_t code = device_may_step() ? take_input(request) : CODE_NOT_NOW;
    if (code == CODE_OK) {
        device_hold_input();
        model_step(&device.state, device.input, device.spikes);
        device.steps++;
        append(reply, device.steps | (device_decided() ? STEPS_DECIDED : 0));
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

/* Words: the class, the steps that were made, scores. */
static void append_scores(frame *reply, uint32_t first, uint32_t count)
{
    append(reply, (uint32_t)device.winner);
    append(reply, device.steps);
    count = least(count, room(reply));
    for (uint32_t i = 0; i < count; i++) {
        append(reply, (uint32_t)device.scores[first + i]);
    }
}

static uint8_t infer_reply(const frame *request, frame *reply)
{
    if (MODEL_INPUT_HELD == 0 || model_steps == 0) {
        return CODE_NOT_HERE;
    }
    const uint8_t code = take_input(request);
    if (code == CODE_OK) {
        device.winner = model_classify(&device.state, device.input, device.scores);
        device.scored = true;
        device.steps = model_steps_made(&device.state);
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
    if (!device_decided()) {
        return CODE_NOT_NOW;
    }
    if (first > model_outputs || count > model_outputs - first) {
        return CODE_BAD_RANGE;
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

static uint8_t open_reply(const frame *request, frame *reply)
{
    (void)request;
    commands_start();
    append(reply, PROTOCOL_VERSION);
    append(reply, FRAME_BYTES);
    return CODE_OK;
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
    [TYPE_OPEN] = {open_reply, 0, 0},
    [TYPE_SAMPLE] = {sample_reply, 4, FRAME_PAYLOAD},
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
    memset(device.input, 0, sizeof device.input);
    device_reset();
    stream_start();
}
