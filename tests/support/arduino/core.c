/* An Arduino core in small, for QEMU: milliseconds by the system timer, as the cores keep them, and a serial port
 * without flow control over the emulated UART. */
#include <stddef.h>
#include <stdint.h>

#include "uart.h"

/* What the system timer does: nothing, milliseconds on the core clock, or on a clock of its own. */
#define TIMER_OFF 0
#define TIMER_CORE 1
#define TIMER_OTHER 2
#ifndef CORE_TIMER
#define CORE_TIMER TIMER_CORE
#endif
#define OTHER_CLOCK 1000000u /* of QEMU's machines */

uint32_t SystemCoreClock = F_CPU;

static volatile uint32_t milliseconds;

static volatile uint32_t *const CONTROL = (volatile uint32_t *)0xE000E010u;
static volatile uint32_t *const RELOAD = (volatile uint32_t *)0xE000E014u;
static volatile uint32_t *const CURRENT = (volatile uint32_t *)0xE000E018u;

void SysTick_Handler(void);
unsigned long micros(void);
void core_run(void);
void core_idle(void);
void core_begin(unsigned long baud);
int core_available(void);
int core_read(void);
size_t core_write(const uint8_t *bytes, size_t count);

void SysTick_Handler(void)
{
    milliseconds++;
}

#if CORE_TIMER == TIMER_OFF
#define RAN_OUT (1u << 16) /* since the register was last read */

/* As a core with another timer does it: here it counts how often the one that somebody started ran out. */
unsigned long micros(void)
{
    static uint64_t ticks;
    ticks += (*CONTROL & RAN_OUT) != 0 ? (uint64_t)*RELOAD + 1u : 0u;
    uint32_t left = *CURRENT;
    if ((*CONTROL & RAN_OUT) != 0) {
        ticks += (uint64_t)*RELOAD + 1u;
        left = *CURRENT;
    }
    return (unsigned long)((ticks + *RELOAD - left) / (SystemCoreClock / 1000000u));
}
#else
/* As STM32's core does it: the milliseconds, and how far the timer has come in this one. */
unsigned long micros(void)
{
    uint32_t before, left;
    do {
        before = milliseconds;
        left = *CURRENT;
    } while (before != milliseconds);
    const uint32_t clock = CORE_TIMER == TIMER_OTHER ? OTHER_CLOCK : SystemCoreClock;
    return before * 1000u + (*RELOAD - left) / (clock / 1000000u);
}
#endif

void core_begin(unsigned long baud)
{
    (void)baud;
    uart_start();
}

int core_available(void)
{
    return uart_has_byte() ? 1 : 0;
}

int core_read(void)
{
    return uart_has_byte() ? uart_take() : -1;
}

/* Takes a few at a time, as a port with a small buffer may. */
size_t core_write(const uint8_t *bytes, size_t count)
{
    const size_t now = count < 5u ? count : 5u;
    for (size_t i = 0; i < now; i++) {
        uart_put(bytes[i]);
    }
    return now;
}

/* Between two calls of a sketch's loop, which returns when there is nothing to read. */
void core_idle(void)
{
    uart_wait();
}

int main(void)
{
#if CORE_TIMER != TIMER_OFF
    const uint32_t clock = CORE_TIMER == TIMER_OTHER ? OTHER_CLOCK : SystemCoreClock;
    *RELOAD = clock / 1000u - 1u;
    *CURRENT = 0;
    *CONTROL = CORE_TIMER == TIMER_OTHER ? 3 : 7; /* on, with its interrupt */
#else
    *CONTROL = 0;
#endif
    core_run();
    return 0;
}
