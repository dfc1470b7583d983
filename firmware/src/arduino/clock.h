/* The time that the Arduino core keeps. */
#ifndef SPIKEMCU_CLOCK_H
#define SPIKEMCU_CLOCK_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Microseconds, modulo 2^32. */
uint32_t clock_microseconds(void);

#ifdef __cplusplus
}
#endif

#endif
