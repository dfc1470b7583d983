#include "binding.h"
#include "spikemcu/commands.h"
#include "spikemcu/link.h"
#include "spikemcu/transport.h"

#ifndef PIO_UNIT_TESTING
int main(void)
{
    transport_open();
    transport_log("model " MODEL_NAME " " MODEL_DIGEST "\n");
    commands_start();
    link_start();
    link_serve();
    return 0;
}
#endif
