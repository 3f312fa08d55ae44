/*
 * How often something may happen: so many times at once, and then so many times a minute. Pure; all
 * times are of one monotonic clock, in microseconds.
 *
 *     struct bucket_rate rate = bucket_rate_make(1200, 1200);
 *     struct bucket bucket = {0};                        full
 *     unsigned wait_s = bucket_take(&bucket, &rate, loop_now_us());
 *     if (wait_s != 0) ... too often: not before so many seconds
 *
 * One that has refused is closed for as long as it said. So of requests that were sent one behind
 * the other, none is taken when the one before it was refused, unless it arrives later than that.
 */
#ifndef PARLEY_GATEWAY_BUCKET_H
#define PARLEY_GATEWAY_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

struct bucket_rate {
    int64_t each_us; /* for one more to be in the bucket */
    int64_t all_us;  /* for an empty bucket to be full */
};

struct bucket {
    int64_t full_us;   /* when it is full */
    int64_t closed_us; /* nothing is taken before */
};

/* `per_minute`: 1 to 60,000,000; `burst`: at least 1, how many a full bucket holds. */
struct bucket_rate bucket_rate_make(uint64_t per_minute, uint64_t burst);
/* Takes one: 0; else the whole seconds for which nothing is taken, at least 1. */
unsigned bucket_take(struct bucket *bucket, const struct bucket_rate *rate, int64_t now_us);
/* Whether it is as a new one. */
bool bucket_is_full(const struct bucket *bucket, int64_t now_us);

#endif
