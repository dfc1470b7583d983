/* Runs the test vectors of held; the exit status is 0 if all of them give what the model says. */
#include "vectors.h"

static held_state state;

int main(void)
{
    return (int)held_check_vectors(&state);
}
