/*
 * A connection that catches up by delivery.pull, and a log that the test fills by itself.
 *
 *     struct puller *puller = puller_of(ada, false);
 *     expect_pulled(f, puller, 1000, 1001);              the cids of all that is to be read
 */
#ifndef PARLEY_TESTS_DELIVERY_PULLER_H
#define PARLEY_TESTS_DELIVERY_PULLER_H

#include "tests/support/delivery_fixture.h"

#define MAX_CONVERSATIONS 4097
#define PAGE_ENTRIES 256
#define PAGE_BYTES ((size_t)512 << 10)
#define FIRST_CID 1000

/* A connection that catches up, and its last page; slices live until the next. */
struct puller {
    uint64_t account;
    bool resumed;
    uint64_t newest;
    uint64_t conversations[MAX_CONVERSATIONS], positions[MAX_CONVERSATIONS];
    size_t count;
    struct delivery_pull_reply reply;
    struct entry entries[PAGE_ENTRIES];
};

struct puller *puller_of(uint64_t account, bool resumed);

void puller_knows(struct puller *puller, uint64_t conversation, uint64_t position);

/* One page; how many entries it has. They must be in the order of cid. */
size_t pull(struct delivery_fixture *f, struct puller *puller);

/* As a gateway does it: positions move to the entries that have arrived. */
void take_page(struct puller *puller);

/* Pulls until there is no more; how many entries there were. */
size_t pull_all(struct delivery_fixture *f, struct puller *puller);

/* The puller must have received exactly these cids, in this order. */
void expect_cids(struct delivery_fixture *f, struct puller *puller, const uint64_t *cids,
                 size_t count);
#define expect_pulled(f_, puller_, ...)                                                            \
    expect_cids(f_, puller_, (uint64_t[]){__VA_ARGS__},                                            \
                sizeof((uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

/* --- filling the log --- */

uint64_t new_pair(struct delivery_fixture *f, uint64_t a, uint64_t b);

void store(struct delivery_fixture *f, uint64_t conversation, uint64_t cid, uint64_t sender,
           const char *text);

/* `count` rows of this length in each of the conversations that the account has, in turns. */
void store_many(struct delivery_fixture *f, uint64_t account, unsigned count, unsigned length);

void set_cursor(struct delivery_fixture *f, uint64_t account, uint64_t conversation, uint64_t since,
                uint64_t received, const char *until);

/* Pairs with others, made at once. */
void make_pairs(struct delivery_fixture *f, uint64_t account, unsigned count);

#endif
