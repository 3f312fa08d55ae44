/*
 * The numbers of conversations. Bits 60 and 61 say whose conversation it is (enum
 * conversation_kind); the low bits of a group's, and of an account's own, are its number, so that
 * these are known without a look-up.
 */
#ifndef PARLEY_PROTO_CONVERSATION_H
#define PARLEY_PROTO_CONVERSATION_H

#include "proto/messages.h"

#define CONVERSATION_KIND_SHIFT 60
/* The operator's messages to all. */
#define CONVERSATION_OF_ALL ((uint64_t)CONVERSATION_BROADCAST << CONVERSATION_KIND_SHIFT)

static inline enum conversation_kind conversation_kind(uint64_t conversation) {
    return (enum conversation_kind)(conversation >> CONVERSATION_KIND_SHIFT & 3);
}
static inline uint64_t conversation_of_group(uint64_t group) {
    return (uint64_t)CONVERSATION_GROUP << CONVERSATION_KIND_SHIFT | group;
}
static inline uint64_t conversation_of_account(uint64_t account) {
    return (uint64_t)CONVERSATION_SELF << CONVERSATION_KIND_SHIFT | account;
}
static inline uint64_t conversation_low_bits(uint64_t conversation) {
    return conversation & (((uint64_t)1 << CONVERSATION_KIND_SHIFT) - 1);
}

#endif
