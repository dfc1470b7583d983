/* Requests, their replies, and why a request is refused.
 *
 * A request repeated with its sequence number is answered with the stored reply and not
 * executed again, so that a host may resend whatever got lost. Words are uint32 or int32,
 * little-endian; `a [b]` means that b may be left out.
 *
 * type       request payload            reply payload
 * INFO       word first layer           see info_reply in commands.c
 * INPUT      [word offset, bytes]       -
 * RESET      [word offset, bytes]       -
 * STEP       [word offset, bytes]       word steps since the reset, bit 31: none may follow
 * TRACE      [word offset, bytes]       the same, then the first trace words
 * INFER      [word offset, bytes]       word class, word steps, then the first scores
 * SCORES     word first, word count     word class, word steps, then the scores asked for
 * PROBE      word first, word count     the trace words asked for
 * BENCHMARK  word what, word argument   see benchmark.h
 * PARTS      word first part            see benchmark.h
 * STACK      word what                  word bytes
 * SAMPLE     word flags, int16 values   word results, word when, word class, then the first scores
 * OPEN       -                          word PROTOCOL_VERSION, word FRAME_BYTES
 *
 * OPEN begins a session, see link.h; the model is then as after the start. Every version of the
 * protocol answers it with its own number first. No frame may be longer than the bytes that follow it;
 * where they do not, 1024.
 *
 * [word offset, bytes] writes bytes into the input vector before anything else is done, so
 * that a vector of any size travels in several INPUT requests and the last piece with the
 * request that uses it.
 *
 * RESET sets membranes, counts and steps to zero and leaves the input vector. STEP runs one
 * step on the input vector (where it is held, on what was made of it once after it changed), TRACE
 * does the same and begins to send what PROBE reads. INFER is a whole inference by the
 * model's own function, for a held input. SCORES needs all steps of a model to be done,
 * or as many as its early stop wants.
 *
 * PARTS tells the parts of the last BENCHMARK, where the firmware was built with MODEL_MARKS.
 * STACK calls what BENCHMARK counts, and tells how much of the stack that took.
 *
 * SAMPLE gives raw samples to a model with a sensor: int16 values, channel by channel, sample by
 * sample; a request may end within a sample. The reply tells how many results came since the
 * restart (classes; of a model that runs free, steps), the index of the sample that the last one
 * came with, and it: class and scores, or 0 and the words of the last signal; with a detector what
 * that detects, or -1, stands between class and scores.
 *
 * The trace of a step is a row of words: layer by layer the planes of what it sends, bit b of value i
 * at bit i % 32 of word i / 32 of plane b (spikes have one plane), then one membrane per neuron, int32;
 * none where neurons have no memory. What else neurons keep, one value each, stands behind the membranes.
 */
#ifndef SPIKEMCU_PROTOCOL_H
#define SPIKEMCU_PROTOCOL_H

#define PROTOCOL_VERSION 2u

/* In the steps that STEP and TRACE tell: the class is decided, no step may follow. */
#define STEPS_DECIDED 0x80000000u

enum {
    TYPE_INFO = 1,
    TYPE_INPUT,
    TYPE_RESET,
    TYPE_STEP,
    TYPE_TRACE,
    TYPE_INFER,
    TYPE_SCORES,
    TYPE_PROBE,
    TYPE_BENCHMARK,
    TYPE_PARTS,
    TYPE_STACK,
    TYPE_OPEN,
    TYPE_SAMPLE
};

enum {
    CODE_OK = 0,
    CODE_UNKNOWN_TYPE, /* no such request */
    CODE_BAD_LENGTH, /* the payload is shorter or longer than the request allows */
    CODE_BAD_RANGE, /* an offset or count lies outside of what the model has */
    CODE_NOT_NOW, /* all steps are done and none may follow, or scores before that */
    CODE_NOT_HERE, /* this kind of model has no such thing */
    CODE_DAMAGED, /* the CRC does not fit: send it again */
    CODE_TOO_LONG, /* the header claims more than FRAME_PAYLOAD bytes */
    CODE_NO_SESSION /* of another session: the firmware has restarted, or another host has begun one */
};

/* What BENCHMARK counts. */
enum {
    BENCHMARK_LOOP = 0, /* counter_loop(argument): 2 * argument + 1 instructions */
    BENCHMARK_INPUT, /* model_input on the input vector, where it is held */
    BENCHMARK_STEP, /* model_step on the input vector; the step is done */
    BENCHMARK_INFER, /* model_classify on the input vector, where it is held */
    BENCHMARK_SCORES, /* model_scores, when all steps are done */
    BENCHMARK_SAMPLE /* model_sample on the sample that SAMPLE_KEEP has kept */
};

/* Flags of SAMPLE. */
enum {
    SAMPLE_RESTART = 1, /* begin anew before anything else is done */
    SAMPLE_KEEP = 2 /* do not take the last whole sample yet */
};

/* What the counter behind BENCHMARK counts. */
enum {
    COUNTER_INSTRUCTIONS = 1, /* exactly; in QEMU */
    COUNTER_CYCLES, /* of the core, by the cycle counter of its trace unit */
    COUNTER_SYSTICK, /* of the core, by its system timer */
    COUNTER_MICROSECONDS /* microseconds, as cycles of the core */
};

#endif
