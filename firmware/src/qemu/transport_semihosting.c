#include "spikemcu/transport.h"

#ifndef LINK_UART
#include "semihosting.h"

static int32_t from_host, to_host;

void transport_open(void)
{
    from_host = semihosting_open_console(0);
    to_host = semihosting_open_console(1);
}

uint32_t transport_read(uint8_t *bytes, uint32_t capacity)
{
    const uint32_t missing = semihosting_read(from_host, bytes, capacity);
    return missing < capacity ? capacity - missing : 0;
}

void transport_write(const uint8_t *bytes, uint32_t count)
{
    while (count > 0) {
        const uint32_t missing = semihosting_write(to_host, bytes, count);
        if (missing >= count) {
            semihosting_exit(0); /* the host has closed the link: nobody is left to tell */
        }
        bytes += count - missing;
        count = missing;
    }
}

void transport_log(const char *text)
{
    semihosting_text(text);
}
#endif
