/* The few calls of an Arduino core that the firmware makes, for an emulated core. See core.c. */
#ifndef ARDUINO_H
#define ARDUINO_H

#include <stddef.h>
#include <stdint.h>

extern "C" {
void core_begin(unsigned long baud);
int core_available(void);
int core_read(void);
size_t core_write(const uint8_t *bytes, size_t count);
unsigned long micros(void);
}

void setup();
void loop();

/* As HardwareSerial and the USB ports of the cores declare them. */
class SerialPort {
public:
    void begin(unsigned long baud) { core_begin(baud); }
    int available() { return core_available(); }
    int read() { return core_read(); }
    size_t write(const uint8_t *bytes, size_t count) { return core_write(bytes, count); }
};

extern SerialPort Serial;

#endif
