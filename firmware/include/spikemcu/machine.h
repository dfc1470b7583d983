/* What a platform tells about the machine that it runs on.
 *
 * src/qemu and src/arduino implement it, each for its own.
 */
#ifndef SPIKEMCU_MACHINE_H
#define SPIKEMCU_MACHINE_H

#include <stdint.h>

/* The core's CPUID register. */
uint32_t machine_core(void);

/* Core clock in Hz, as it is set now. */
uint32_t machine_clock(void);

#endif
