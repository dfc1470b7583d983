#include <Arduino.h>

#include "spikemcu/commands.h"
#include "spikemcu/link.h"
#include "spikemcu/transport.h"

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
