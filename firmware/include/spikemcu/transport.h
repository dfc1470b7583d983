/* The link to the host: all that the protocol needs of it are these functions.
 *
 * src/qemu/transport_semihosting.c and transport_uart.c implement them for QEMU, src/arduino/transport.cpp for
 * the serial port of a board. Another link is another file.
 */
#ifndef SPIKEMCU_TRANSPORT_H
#define SPIKEMCU_TRANSPORT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Opens the link; called once, before the others. */
void transport_open(void);

/* Reads as many bytes as are there, at most `capacity`, and returns their number. 0 means that there
 * are none for now, or, on a link that waits for bytes, that the host has closed it. */
uint32_t transport_read(uint8_t *bytes, uint32_t capacity);

/* Writes all `count` bytes, unless nobody is there to take them. */
void transport_write(const uint8_t *bytes, uint32_t count);

/* Writes text to the log, which is no part of the link. */
void transport_log(const char *text);

#ifdef __cplusplus
}
#endif

#endif
