/* The compiler's own: where there is no C library, its stdint.h has nothing to go on to. */
#include <stdint-gcc.h>
