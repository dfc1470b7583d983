#include "spikemcu/device.h"

device_state device;

const uint32_t model_steps = MODEL_STEPS, model_outputs = MODEL_OUTPUTS;

void device_reset(void)
{
    model_reset(&device.state);
    device.steps = 0;
    device.held = false;
    device.scored = false;
}

void device_hold_input(void)
{
    if (MODEL_INPUT_HELD && !device.held) {
        model_input(&device.state, device.input);
        device.held = true;
    }
}

bool device_may_step(void)
{
    return model_steps == 0 || !device_decided();
}

bool device_decided(void)
{
    if (!device.scored && device.steps > 0) {
        device.winner = model_decided(&device.state, device.steps, device.scores);
        device.scored = device.winner >= 0;
    }
    return device.scored;
}
