/* The link over the machine's serial port, as on a board; built in with -DLINK_UART=1. */
#include "spikemcu/transport.h"

#ifdef LINK_UART
#include "semihosting.h"
#include "uart.h"

void transport_open(void)
{
    uart_start();
}

uint32_t transport_read(uint8_t *bytes, uint32_t capacity)
{
    uint32_t count = 0;
    while (!uart_has_byte()) {
        uart_wait();
    }
    while (count < capacity && uart_has_byte()) {
        bytes[count++] = uart_take();
    }
    return count;
}

void transport_write(const uint8_t *bytes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uart_put(bytes[i]);
    }
}

void transport_log(const char *text)
{
    semihosting_text(text);
}
#endif
