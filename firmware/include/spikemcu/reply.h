/* Replies grow word by word. */
#ifndef SPIKEMCU_REPLY_H
#define SPIKEMCU_REPLY_H

#include "frame.h"

#define WORD 4u

static inline void append(frame *reply, uint32_t word)
{
    reply->payload[reply->length / WORD] = word;
    reply->length = (uint16_t)(reply->length + WORD);
}

/* Words that still fit into the reply. */
static inline uint32_t room(const frame *reply)
{
    return FRAME_PAYLOAD_WORDS - reply->length / WORD;
}

static inline uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

#endif
