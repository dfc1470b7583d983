/* The firmware's protocol on this machine: its own frame.c, link.c, commands.c, benchmark.c and device.c, with a
 * transport that is two queues in memory (a library) or stdin and stdout (a program, -DHOST_MAIN=1). */
#define _POSIX_C_SOURCE 200809L
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "spikemcu/commands.h"
#include "spikemcu/counter.h"
#include "spikemcu/link.h"
#include "spikemcu/machine.h"
#include "spikemcu/protocol.h"
#include "spikemcu/stack.h"
#include "spikemcu/transport.h"

#define QUEUE 65536u

void host_start(void);
uint32_t host_exchange(const uint8_t *bytes, uint32_t count, uint8_t *answer, uint32_t capacity);

/* ------------------------------------------------------------------ transport */

#ifdef HOST_MAIN
void transport_open(void)
{
}

uint32_t transport_read(uint8_t *bytes, uint32_t capacity)
{
    const ssize_t count = read(STDIN_FILENO, bytes, capacity);
    return count > 0 ? (uint32_t)count : 0;
}

void transport_write(const uint8_t *bytes, uint32_t count)
{
    while (count > 0) {
        const ssize_t written = write(STDOUT_FILENO, bytes, count);
        if (written <= 0) {
            return;
        }
        bytes += written;
        count -= (uint32_t)written;
    }
}

int main(void)
{
    commands_start();
    link_start();
    link_serve();
    return 0;
}
#else
static const uint8_t *waiting; /* bytes from the host */
static uint32_t waiting_count;
static uint8_t answered[QUEUE];
static uint32_t answered_count;

uint32_t transport_read(uint8_t *bytes, uint32_t capacity)
{
    const uint32_t count = waiting_count < capacity ? waiting_count : capacity;
    if (count > 0) {
        memcpy(bytes, waiting, count);
        waiting += count;
        waiting_count -= count;
    }
    return count;
}

void transport_write(const uint8_t *bytes, uint32_t count)
{
    if (count <= QUEUE - answered_count) {
        memcpy(answered + answered_count, bytes, count);
        answered_count += count;
    }
}

/* The board is reset. */
void host_start(void)
{
    waiting_count = 0;
    answered_count = 0;
    commands_start();
    link_start();
}

/* Lets the firmware have bytes; returns how many it sent. */
uint32_t host_exchange(const uint8_t *bytes, uint32_t count, uint8_t *answer, uint32_t capacity)
{
    waiting = bytes;
    waiting_count = count;
    answered_count = 0;
    link_serve();
    const uint32_t sent = answered_count < capacity ? answered_count : capacity;
    if (sent > 0) {
        memcpy(answer, answered, sent);
    }
    return sent;
}
#endif

void transport_log(const char *text)
{
    (void)text;
}

/* ------------------------------------------------------------------ machine */

uint32_t machine_core(void)
{
    return HOST_CORE; /* as a board's CPUID register would read */
}

uint32_t machine_clock(void)
{
    return 1000000000u;
}

uint32_t stack_size(void)
{
    return 0;
}

uint32_t stack_used(void)
{
    return 0;
}

void stack_paint(void)
{
}

uint32_t stack_now(void)
{
    return 0;
}

/* ------------------------------------------------------------------ counter: nanoseconds */

uint32_t counter_kind(void)
{
    return COUNTER_MICROSECONDS;
}

void counter_loop(uintptr_t n, uintptr_t b, uintptr_t c)
{
    (void)b;
    (void)c;
    while (n-- > 0) {
        __asm__ volatile("");
    }
}

counter_span counter_measure(counter_function f, uintptr_t a, uintptr_t b, uintptr_t c)
{
    struct timespec first, last;
    (void)clock_gettime(CLOCK_MONOTONIC, &first);
    f(a, b, c);
    (void)clock_gettime(CLOCK_MONOTONIC, &last);
    const int64_t spent = (last.tv_sec - first.tv_sec) * 1000000000 + (last.tv_nsec - first.tv_nsec);
    const counter_span span = {(uint64_t)spent, 0};
    return span;
}

counter_calibration counter_calibrate(void)
{
    counter_calibration c;
    memset(&c, 0, sizeof c);
    return c;
}

uint64_t counter_count(const counter_calibration *calibration, counter_span span)
{
    (void)calibration;
    return span.ticks;
}
