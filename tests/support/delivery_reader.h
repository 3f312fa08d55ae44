/*
 * A reader of the log, from position to position, as a client that catches up is.
 *
 *     struct reader reader = {.caller = caller, .account = ada, .conversations = {conversation,
 * 0}}; while (read_page(&reader) > 0)
 *         ;
 */
#ifndef PARLEY_TESTS_DELIVERY_READER_H
#define PARLEY_TESTS_DELIVERY_READER_H

#include "tests/support/delivery_fixture.h"

/* A client that reads a group and a pair all the time, from position to position. */
struct reader {
    struct test_caller *caller;
    uint64_t account;
    uint64_t conversations[2], positions[2];
    size_t counts[2];
};

/* Reads one page; how many entries it had. Each must lie behind those before it. */
size_t read_page(struct reader *reader);

#endif
