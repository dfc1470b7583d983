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

#endif
