/* Fuzzes the firmware's protocol: its own frame.c, link.c, commands.c, benchmark.c and stream.c with a model behind.
 *
 * The first byte says how the rest is sent. Odd: as it is, in pieces, as a line delivers bytes. Even: as requests,
 * each a type, a word of flags, a length and a payload, sealed with the right CRC, so that what lies behind the CRC is
 * reached. All that comes back must be frames that the host would take, and whatever came, the next host is answered. */
#define _XOPEN_SOURCE 700
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "spikemcu/frame.h"
#include "spikemcu/link.h"
#include "spikemcu/protocol.h"

void host_start(void);
uint32_t host_exchange(const uint8_t *bytes, uint32_t count, uint8_t *answer, uint32_t capacity);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ANSWER 65536u
#define SESSION 0x00010000u
#define LOOPS 4096u    /* of BENCHMARK: the loop that it counts is as long as the host says */
#define REPEATED 0x01u /* flags: the sequence number of the request before */
#define ELSEWHERE 0x02u /* of another session */
#define DAMAGED 0x04u  /* a wrong CRC */
#define CUT 0x08u      /* the last bytes are missing */

#define HANG_SECONDS 5

static void hangs(int unused)
{
    (void)unused;
    abort();
}

static uint8_t answer[ANSWER];
static frame last; /* that came back */

/* Sends bytes; what comes back must be whole frames, one behind the other. */
static void exchange(const uint8_t *bytes, uint32_t count)
{
    const uint32_t size = host_exchange(bytes, count, answer, ANSWER);
    uint32_t start = 0;
    memset(&last, 0, sizeof last);
    while (start < size) {
        frame reply;
        const uint32_t left = size - start;
        const uint32_t here = left < FRAME_BYTES ? left : FRAME_BYTES;
        memcpy(&reply, answer + start, here);
        const frame_view view = frame_look(&reply, here);
        if (view.kind != FRAME_WHOLE) {
            abort();
        }
        start += view.size;
        last = reply;
    }
}

/* A host that comes later sends padding, which ends any frame, and begins a session. */
static void must_answer(void)
{
    static const uint8_t padding[FRAME_BYTES];
    frame request;
    memset(&request, 0, sizeof request);
    request.sequence = 9u * SESSION;
    request.type = TYPE_OPEN;
    exchange(padding, sizeof padding);
    exchange((const uint8_t *)&request, frame_seal(&request));
    if (last.sequence != request.sequence || last.code != CODE_OK || last.payload[0] != PROTOCOL_VERSION) {
        abort();
    }
}

/* The bytes of the input, in order; zeros behind its end. */
typedef struct {
    const uint8_t *bytes;
    size_t left;
} source;

static uint32_t take(source *from, uint8_t *to, uint32_t count)
{
    const uint32_t now = from->left < count ? (uint32_t)from->left : count;
    memset(to, 0, count);
    if (now > 0) {
        memcpy(to, from->bytes, now);
    }
    from->bytes += now;
    from->left -= now;
    return now;
}

/* A loop of any length is what the request asks for, and no fault. */
static void shorten_loop(frame *request)
{
    if (request->type == TYPE_BENCHMARK && request->payload[0] == BENCHMARK_LOOP) {
        request->payload[1] %= LOOPS;
    }
}

static void send_requests(source *from, uint32_t sequence)
{
    while (from->left > 0) {
        frame request;
        uint8_t head[4];
        memset(&request, 0, sizeof request);
        take(from, head, sizeof head);
        sequence += (head[1] & REPEATED) != 0 ? 0u : 1u;
        request.sequence = sequence ^ ((head[1] & ELSEWHERE) != 0 ? 3u * SESSION : 0u);
        request.type = head[0];
        const uint32_t wanted = head[2] | (uint32_t)(head[3] & 3u) << 8;
        const uint32_t length = wanted < FRAME_PAYLOAD ? wanted : FRAME_PAYLOAD;
        request.length = (uint16_t)take(from, (uint8_t *)request.payload, length);
        shorten_loop(&request);
        uint32_t size = frame_seal(&request);
        uint8_t *bytes = (uint8_t *)&request;
        bytes[size - 1u] ^= (head[1] & DAMAGED) != 0 ? 1u : 0u;
        size -= (head[1] & CUT) != 0 ? 3u : 0u;
        exchange(bytes, size);
    }
}

/* In pieces whose lengths the input says, in a block of its own, so that a read beyond it is noticed. */
static void send_bytes(source *from)
{
    while (from->left > 0) {
        uint8_t length;
        take(from, &length, 1);
        uint8_t *piece = malloc((size_t)length + 1u);
        if (piece == NULL) {
            return;
        }
        const uint32_t count = take(from, piece, (uint32_t)length + 1u);
        exchange(piece, count);
        free(piece);
    }
}

/* A hang is one in processor time, whatever else the machine does. */
static void limit(long seconds)
{
    const struct itimerval left = {{0, 0}, {seconds, 0}};
    (void)signal(SIGVTALRM, hangs);
    (void)setitimer(ITIMER_VIRTUAL, &left, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    limit(HANG_SECONDS);
    source rest = {data + 1, size - 1u};
    host_start();
    if (data[0] % 2u != 0) {
        send_bytes(&rest);
    } else {
        static const uint8_t open[4] = {TYPE_OPEN, 0, 0, 0};
        source first = {open, sizeof open};
        send_requests(&first, SESSION);
        send_requests(&rest, SESSION + 1u);
    }
    must_answer();
    limit(0);
    return 0;
}
