#include <Arduino.h>

#include "commands.h"
#include "link.h"
#include "transport.h"

void setup()
{
    transport_open();
    commands_start();
    link_start();
}

/* Returns whenever there is nothing to read, so that the core can do its own work. */
void loop()
{
    link_serve();
}
