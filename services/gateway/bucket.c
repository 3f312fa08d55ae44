/* Token buckets; see bucket.h. */
#include "services/gateway/bucket.h"

#define MINUTE_US INT64_C(60000000)
#define SECOND_US INT64_C(1000000)

struct bucket_rate bucket_rate_make(uint64_t per_minute, uint64_t burst) {
    int64_t each_us = MINUTE_US / (int64_t)per_minute;
    return (struct bucket_rate){.each_us = each_us, .all_us = each_us * (int64_t)burst};
}

static int64_t whole_seconds(int64_t us) { return (us + SECOND_US - 1) / SECOND_US; }

unsigned bucket_take(struct bucket *bucket, const struct bucket_rate *rate, int64_t now_us) {
    if (now_us < bucket->closed_us)
        return (unsigned)whole_seconds(bucket->closed_us - now_us);
    int64_t from_us = bucket->full_us > now_us ? bucket->full_us : now_us;
    int64_t missing_us = from_us + rate->each_us - rate->all_us - now_us;
    if (missing_us > 0) {
        int64_t wait_s = whole_seconds(missing_us);
        bucket->closed_us = now_us + wait_s * SECOND_US;
        return (unsigned)wait_s;
    }
    bucket->full_us = from_us + rate->each_us;
    return 0;
}

bool bucket_is_full(const struct bucket *bucket, int64_t now_us) {
    return bucket->full_us <= now_us && bucket->closed_us <= now_us;
}
