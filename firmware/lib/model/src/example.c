#include "example.h"
#include <string.h>
static const int32_t qr[] = {44,18,-63,-46,56,24,1,-42,66,-28,-44,99,-61,-70,54,31,-116,-107,-32,85,-26,73,-47,-67,74,96,-108,-114,43,-42,18,-90};
static const int32_t br[] = {0,0,0,0};
static const int32_t q0[] = {-1,1,0,1,0,0,1,1,0,0,0,1,-1,1,1,-1,0,1,0,-1,1,1,1,-1,-1,1,-1,0,-1,-1,0,0,0,-1,-1,-1,-1,1,0,0,-1,0,1,0,0,1,1,1,0,1,1,0,1,1,1,0,1,-1,0,1,1,0,0,-1};
static const int32_t b0[] = {4,2,0,-3,-2,-5,-5,-5};
static const int32_t t0[] = {55,59,73,83,34,86,61,51};
static const int32_t r0[] = {55,59,73,83,34,86,61,51};
void example_reset(example_state *st) { memset(st, 0, sizeof *st); }
void example_input(example_state *st, const uint8_t *x) { (void)st; (void)x;
 for (uint32_t j = 0; j < 8u; j++) { int32_t a = 0; for (uint32_t i = 0; i < 8u; i++) { a += q0[j * 8u + i] * (int32_t)x[i]; } a = ((a + 2) >> 2) * 1 + b0[j]; st->cur[j] = a; }
}
void example_step(example_state *st, const uint8_t *x, uint32_t out[]) { (void)x;
 memset(st->s0, 0, sizeof st->s0); for (uint32_t j = 0; j < 8u; j++) { int32_t a = st->cur[j]; const int32_t v = st->v0[j]; int32_t u = v + a; u -= v >> 3; if (u >= t0[j]) { st->s0[j / 32] |= 1u << (j % 32); st->n[j]++; u -= r0[j]; } st->v0[j] = u; }
 memcpy(out, st->s0, sizeof st->s0); }
int32_t example_scores(const example_state *st, int32_t scores[]) { (void)st; (void)scores;
 for (uint32_t j = 0; j < 4u; j++) { int32_t a = 0; for (uint32_t i = 0; i < 8u; i++) { a += qr[j * 8u + i] * st->n[i]; } scores[j] = a * 1 + 4 * br[j]; }
 int32_t best = 0; for (int32_t j = 1; j < 4; j++) { if (scores[j] > scores[best]) { best = j; } } return best; }
int32_t example_classify(example_state *st, const uint8_t *x, int32_t scores[]) { (void)st; (void)x; (void)scores;
 uint32_t out[1]; example_reset(st); example_input(st, x); for (uint32_t t = 0; t < 4u; t++) { example_step(st, x, out); } return example_scores(st, scores); }
