#include "spikemcu/link.h"

#include <stdbool.h>
#include <string.h>

#include "spikemcu/commands.h"
#include "spikemcu/frame.h"
#include "spikemcu/protocol.h"
#include "spikemcu/transport.h"

#define SESSION_SHIFT 16

typedef struct {
    frame received; /* bytes from the host, the next frame at the front */
    uint32_t count; /* how many bytes are there */
    frame reply; /* the last reply, kept to be sent again */
    uint32_t size; /* its bytes; 0 before the first request */
    uint32_t session; /* that the last OPEN began */
} link_state;

static link_state state;

static void drop(uint32_t bytes)
{
    uint8_t *buffer = (uint8_t *)&state.received;
    state.count -= bytes;
    memmove(buffer, buffer + bytes, state.count);
}

/* Refuses what is no frame. The stored reply stays what it was. */
static void refuse(uint8_t code)
{
    struct {
        uint32_t magic, sequence;
        uint8_t type, code;
        uint16_t length;
        uint32_t crc;
    } refusal = {FRAME_MAGIC, state.received.sequence, state.received.type, code, 0, 0};
    refusal.crc = frame_crc((const uint8_t *)&refusal, FRAME_HEADER);
    transport_write((const uint8_t *)&refusal, sizeof refusal);
}

static void answer(void)
{
    const uint32_t session = state.received.sequence >> SESSION_SHIFT;
    if (state.received.type == TYPE_OPEN) {
        state.session = session;
    } else if (session != state.session) {
        refuse(CODE_NO_SESSION);
        return;
    }
    const bool repeated = state.size > 0 && state.reply.sequence == state.received.sequence;
    if (!repeated) {
        state.reply.sequence = state.received.sequence;
        commands_execute(&state.received, &state.reply);
        state.size = frame_seal(&state.reply);
    }
    transport_write((const uint8_t *)&state.reply, state.size);
}

/* Takes one frame, or what is none, from the front of the buffer; false if it needs more. */
static bool take(void)
{
    const frame_view view = frame_look(&state.received, state.count);
    switch (view.kind) {
    case FRAME_PART:
        return false;
    case FRAME_NOISE:
        break;
    case FRAME_TOO_LONG:
        refuse(CODE_TOO_LONG);
        break;
    case FRAME_DAMAGED:
        refuse(CODE_DAMAGED);
        break;
    case FRAME_WHOLE:
        answer();
        break;
    }
    drop(view.size);
    return true;
}

void link_start(void)
{
    state.count = 0;
    state.size = 0;
    state.session = 0;
}

void link_serve(void)
{
    uint8_t *buffer = (uint8_t *)&state.received;
    uint32_t more = 1;
    while (more > 0) {
        more = transport_read(buffer + state.count, FRAME_BYTES - state.count);
        state.count += more;
        while (state.count > 0 && take()) {
        }
    }
}
