/* What only machine code says on RISC-V. */
#ifndef CORE_H
#define CORE_H

#include <stdint.h>

/* Instructions on control registers, an extension that the options of the compiler do not name: with it, gcc
 * would look for a library that it does not have. */
#ifdef __clang__
#define CORE_CONTROL(text) text
#else
#define CORE_CONTROL(text) ".option push\n\t.option arch, +zicsr\n\t" text "\n\t.option pop"
#endif

/* clang-format off */
/* The value of a control register, by its name. */
#define CORE_READ(name, value) __asm__ volatile(CORE_CONTROL("csrr %0, " name) : "=r"(value))

/* Sets a control register. */
#define CORE_WRITE(name, value) __asm__ volatile(CORE_CONTROL("csrw " name ", %0")::"r"(value) : "memory")

/* Waits for an interrupt. */
#define CORE_WAIT() __asm__ volatile("wfi" ::: "memory")
/* clang-format on */

static inline uint32_t *core_stack_pointer(void)
{
    uint32_t *here;
    __asm__ volatile("mv %0, sp"
                     : "=r"(here));
    return here;
}

/* The interrupt controller of QEMU's machine, for its one core (RISC-V Platform-Level Interrupt Controller, 3). */
static inline volatile uint32_t *core_controller(uint32_t offset)
{
    return (volatile uint32_t *)(0x0C000000u + offset);
}

enum {
    CORE_PRIORITIES = 0x000000,
    CORE_LINES_ON = 0x002000,
    CORE_CLAIM = 0x200004
};

/* From here on a device wakes the core from core_sleep by its interrupt line, also if it does so before the core
 * sleeps. No handler runs: the core takes no interrupt, for mstatus.MIE is 0 since its reset. */
static inline void core_listen(uint32_t line)
{
    enum {
        EXTERNAL = 1 << 11
    };
    core_controller(CORE_PRIORITIES)[line] = 1;
    core_controller(CORE_LINES_ON)[line / 32u] = 1u << line % 32u;
    CORE_WRITE("mie", EXTERNAL);
}

static inline void core_sleep(void)
{
    CORE_WAIT();
}

static inline void core_deaf(uint32_t line)
{
    *core_controller(CORE_CLAIM) = *core_controller(CORE_CLAIM); /* heard: what comes from here on is new */
    core_controller(CORE_LINES_ON)[line / 32u] = 0;
}

/* Asks the emulator for a service of semihosting: a0 and a1 of the call. */
uint32_t core_semihosting(uint32_t operation, const void *argument);

#endif
