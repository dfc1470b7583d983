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
/* clang-format on */

static inline uint32_t *core_stack_pointer(void)
{
    uint32_t *here;
    __asm__ volatile("mv %0, sp"
                     : "=r"(here));
    return here;
}

/* Asks the emulator for a service of semihosting: a0 and a1 of the call. */
uint32_t core_semihosting(uint32_t operation, const void *argument);

#endif
