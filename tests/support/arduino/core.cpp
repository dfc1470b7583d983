/* What an Arduino core does around a sketch. */
#include <Arduino.h>

SerialPort Serial;

extern "C" void core_run(void);
extern "C" void core_idle(void);

extern "C" void core_run(void)
{
    setup();
    for (;;) {
        loop();
        core_idle();
    }
}
