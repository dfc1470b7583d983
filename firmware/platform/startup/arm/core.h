/* What only machine code says on Cortex-M. */
#ifndef CORE_H
#define CORE_H

#include <stdint.h>

static inline uint32_t *core_stack_pointer(void)
{
    uint32_t *here;
    __asm__ volatile("mov %0, sp"
                     : "=r"(here));
    return here;
}

/* Asks the emulator for a service of semihosting. */
static inline uint32_t core_semihosting(uint32_t operation, const void *argument)
{
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xAB"
                     : "+r"(r0)
                     : "r"(r1)
                     : "memory", "cc");
    return r0;
}

/* clang-format off */
#define CORE_SAY(instructions) __asm__ volatile(instructions ::: "memory") /* no access to memory moves across it */
/* clang-format on */

/* The interrupt lines of devices (Armv7-M Architecture Reference Manual, B3.4): a register for 32 lines each. */
static inline volatile uint32_t *core_lines(uint32_t offset, uint32_t line)
{
    return (volatile uint32_t *)(0xE000E000u + offset) + line / 32u;
}

enum {
    CORE_LINE_ON = 0x100,
    CORE_LINE_OFF = 0x180,
    CORE_LINE_FORGET = 0x280
};

/* From here on a device wakes the core from core_sleep by its interrupt line, also if it does so before the core
 * sleeps. No handler runs: the line is off again where core_deaf lets interrupts in. */
static inline void core_listen(uint32_t line)
{
    CORE_SAY("cpsid i");
    *core_lines(CORE_LINE_FORGET, line) = 1u << line % 32u; /* what it said before; a line that still says so stays */
    *core_lines(CORE_LINE_ON, line) = 1u << line % 32u;
}

/* Sleeps until a device or the system timer has something to say. */
static inline void core_sleep(void)
{
    CORE_SAY("dsb\n\twfi");
}

static inline void core_deaf(uint32_t line)
{
    *core_lines(CORE_LINE_OFF, line) = 1u << line % 32u;
    CORE_SAY("dsb\n\tisb\n\tcpsie i"); /* off, before interrupts come in */
}

#endif
