#ifndef H_example
#define H_example
#include <stdint.h>
typedef struct { int32_t cur[8]; int32_t n[8]; int32_t v0[8]; uint32_t s0[1]; } example_state;
void example_reset(example_state *st);
void example_input(example_state *st, const uint8_t *x);
void example_step(example_state *st, const uint8_t *x, uint32_t out[]);
int32_t example_scores(const example_state *st, int32_t scores[]);
int32_t example_classify(example_state *st, const uint8_t *x, int32_t scores[]);
#endif
