#include "Arduino.h"

SerialPort Serial;

int main()
{
    setup();
    for (;;) {
        loop();
    }
}
