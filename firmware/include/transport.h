/* The link to the host: all that the protocol needs of it are these functions.
 *
 * transport_semihosting.c implements them for QEMU. Another link is another file.
 */
#ifndef TRANSPORT_H
#define TRANSPORT_H

#include <stdint.h>

/* Opens the link; called once, before the others. */
void transport_open(void);

/* Waits for at least one byte, and reads as many as are there, at most `capacity`.
 * Returns their number; 0 means that the host has closed the link. */
uint32_t transport_read(uint8_t *bytes, uint32_t capacity);

/* Writes all `count` bytes. */
void transport_write(const uint8_t *bytes, uint32_t count);

/* Writes text to the log, which is no part of the link. */
void transport_log(const char *text);

#endif
