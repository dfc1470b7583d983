#include "spikemcu/machine.h"

uint32_t machine_core(void)
{
    return *(const volatile uint32_t *)0xE000ED00u;
}
