#include "spikemcu/transport.h"

#include <Arduino.h>

#ifndef LINK_BAUD
#define LINK_BAUD 115200
#endif

void transport_open(void)
{
    Serial.begin(LINK_BAUD);
}

uint32_t transport_read(uint8_t *bytes, uint32_t capacity)
{
    uint32_t count = 0;
    while (count < capacity && Serial.available() > 0) {
        bytes[count++] = static_cast<uint8_t>(Serial.read());
    }
    return count;
}

/* What cannot be written is dropped: nobody listens, and a host that does asks again. */
void transport_write(const uint8_t *bytes, uint32_t count)
{
    while (count > 0) {
        const uint32_t written = static_cast<uint32_t>(Serial.write(bytes, count));
        if (written == 0 || written > count) {
            return;
        }
        bytes += written;
        count -= written;
    }
}

/* The one line there is belongs to the frames. */
void transport_log(const char *)
{
}
