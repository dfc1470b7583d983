/* The link over the machine's serial port, as on a board; built in with -DLINK_UART=1. */
#include "transport.h"

#ifdef LINK_UART
#include "semihosting.h"

/* The two kinds of serial port among QEMU's machines. Both keep a byte until it is read, and QEMU sends
 * the next one only then, so that nothing gets lost. */
#ifdef UART_NRF51
/* UART of the nRF51 (nRF51 Series Reference Manual, 29). */
enum { START_RX = 0x000, START_TX = 0x008, RX_READY = 0x108, TX_READY = 0x11C, ENABLE = 0x500, RX = 0x518, TX = 0x51C };
#define ON 4u

static volatile uint32_t *at(uint32_t offset)
{
    return (volatile uint32_t *)(UART_BASE + offset);
}

static void start(void)
{
    *at(ENABLE) = ON;
    *at(START_RX) = 1;
    *at(START_TX) = 1;
}

static int has_byte(void)
{
    return *at(RX_READY) != 0;
}

static uint8_t take_byte(void)
{
    *at(RX_READY) = 0;
    return (uint8_t)*at(RX);
}

static void put_byte(uint8_t byte)
{
    *at(TX_READY) = 0;
    *at(TX) = byte;
    while (*at(TX_READY) == 0) {
    }
}
#else
/* CMSDK APB UART (Arm Cortex-M System Design Kit TRM, 4.3). */
enum { DATA = 0x00, STATE = 0x04, CONTROL = 0x08, DIVIDER = 0x10 };
enum { STATE_TX_FULL = 1, STATE_RX_FULL = 2 };
#define TX_AND_RX 3u
#define LEAST_DIVIDER 16u

static volatile uint32_t *at(uint32_t offset)
{
    return (volatile uint32_t *)(UART_BASE + offset);
}

static void start(void)
{
    *at(DIVIDER) = LEAST_DIVIDER;
    *at(CONTROL) = TX_AND_RX;
}

static int has_byte(void)
{
    return (*at(STATE) & STATE_RX_FULL) != 0;
}

static uint8_t take_byte(void)
{
    return (uint8_t)*at(DATA);
}

static void put_byte(uint8_t byte)
{
    while ((*at(STATE) & STATE_TX_FULL) != 0) {
    }
    *at(DATA) = byte;
}
#endif

void transport_open(void)
{
    start();
}

uint32_t transport_read(uint8_t *bytes, uint32_t capacity)
{
    uint32_t count = 0;
    do {
        if (has_byte()) {
            bytes[count++] = take_byte();
        }
    } while (count == 0 || (count < capacity && has_byte()));
    return count;
}

void transport_write(const uint8_t *bytes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        put_byte(bytes[i]);
    }
}

void transport_log(const char *text)
{
    semihosting_text(text);
}
#endif
