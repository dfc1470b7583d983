#include "spikemcu/machine.h"

#include "spikemcu/stack.h"

extern uint32_t SystemCoreClock; /* of CMSIS: every core keeps it */

uint32_t machine_core(void)
{
    return *(const volatile uint32_t *)0xE000ED00u;
}

uint32_t machine_clock(void)
{
    return SystemCoreClock;
}

/* The stack is the framework's: its place and size differ from core to core. */
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
