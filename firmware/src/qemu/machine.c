#include "spikemcu/machine.h"

#include "spikemcu/stack.h"
#include "startup.h" /* implements stack.h: the prototypes must agree */

uint32_t machine_clock(void)
{
    return (uint32_t)F_CPU;
}
