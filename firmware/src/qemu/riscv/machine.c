#include "spikemcu/machine.h"

#include "core.h"

/* misa says which extensions the core has; there is no number of its part that QEMU would tell. */
uint32_t machine_core(void)
{
    uint32_t extensions;
    CORE_READ("misa", extensions);
    return extensions;
}
