/* Semihosting: the few services of the host that the firmware asks for.
 *
 * QEMU answers an instruction of the core (core.h). The console is its stdin and stdout; text goes
 * to its stderr, so that a log never mixes with frames.
 */
#ifndef SEMIHOSTING_H
#define SEMIHOSTING_H

#include <stdint.h>

/* Handle of the console, opened once for reading and once for writing. */
int32_t semihosting_open_console(int writing);

/* Read or write `count` bytes; both return how many were NOT transferred. */
uint32_t semihosting_read(int32_t handle, void *bytes, uint32_t count);
uint32_t semihosting_write(int32_t handle, const void *bytes, uint32_t count);

/* Read until all `count` bytes are there: a pipe may hand over a part of them. Returns how many were NOT read, at
 * the end of the input. */
static inline uint32_t semihosting_fill(int32_t handle, void *bytes, uint32_t count)
{
    uint32_t missing = count;

    for (uint32_t before = 0u; missing != 0u && missing != before;) {
        before = missing;
        missing = semihosting_read(handle, (uint8_t *)bytes + (count - missing), missing);
    }
    return missing;
}

/* Write a line of text, or a number in 8 hex digits, to the log. */
void semihosting_text(const char *text);
void semihosting_hex(uint32_t value);

/* End QEMU with this exit status. */
void semihosting_exit(uint32_t status) __attribute__((noreturn));

#endif
