/* Limits per minute; see limits.h. */
#include "services/gateway/limits.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "common/address_key.h"
#include "common/hash.h"
#include "services/gateway/bucket.h"

/* Of an account: one for each limit. An address has one. */
#define ACCOUNT_BUCKETS LIMIT_REGISTRATIONS
#define ADDRESS_BUCKETS 1
#define KEY_BYTES ADDRESS_KEY_BYTES

/* An account or an address. */
struct counted {
    unsigned char key[KEY_BYTES]; /* of an account: its number */
    size_t users;                 /* connections; 0: it is in the list `away` */
    struct counted *prev, *next;
    UT_hash_handle hh;
    struct bucket buckets[];
};

struct table {
    size_t buckets; /* of each */
    struct counted *all;
    struct counted *away; /* the one that is longest away is first */
    size_t away_count;
};

struct kept_limit {
    uint64_t per_minute; /* 0: none */
    struct bucket_rate rate;
    struct metric *refused;
};

struct limits {
    struct kept_limit kept[LIMIT_COUNT];
    struct table accounts, addresses;
};

/* By enum limit. A full bucket holds as much as comes in `burst_minutes`: a class that registers
 * together sits behind one address. */
static const struct {
    const char *option; /* the label of its counter */
    const char *what;   /* there was too much of it */
    uint64_t burst_minutes;
} limits[LIMIT_COUNT] = {
    [LIMIT_TEXTS] = {"texts_per_minute", "texts of this account", 1},
    [LIMIT_GROUPS] = {"groups_per_minute", "new groups of this account", 1},
    [LIMIT_INVITATIONS] = {"invitations_per_minute",
                           "requests for friendship or to join groups of this account", 1},
    [LIMIT_HISTORY] = {"history_per_minute", "requests for history of this account", 1},
    [LIMIT_SEARCHES] = {"searches_per_minute", "searches of this account", 1},
    [LIMIT_UPLOADS] = {"uploads_per_minute", "files of this account", 1},
    [LIMIT_REQUESTS] = {"requests_per_minute", "requests of this account", 1},
    [LIMIT_REGISTRATIONS] = {"registrations_per_address", "new accounts from this address", 5},
    [LIMIT_CONNECTIONS] = {.option = "connections_per_address"},
    [LIMIT_INPUT] = {.option = "unauthenticated_input_bytes"},
};

/* The limit that an operation counts for; LIMIT_COUNT: none. A login has limits at auth; what a
 * client confirms (301, 302) comes with what it gets, and costs little. */
static enum limit limit_of(enum operation operation) {
    switch (operation) {
    case OPERATION_NONE:
    case OPERATION_HEARTBEAT:
    case OPERATION_LOGIN:
    case OPERATION_RESUME:
    case OPERATION_ENTER:
    case OPERATION_LOGOUT:
    case OPERATION_RECEIVED:
    case OPERATION_READ:
        return LIMIT_COUNT;
    case OPERATION_REGISTER:
        return LIMIT_REGISTRATIONS;
    case OPERATION_SEND:
        return LIMIT_TEXTS;
    case OPERATION_CREATE_GROUP:
        return LIMIT_GROUPS;
    case OPERATION_BEFRIEND:
    case OPERATION_JOIN:
        return LIMIT_INVITATIONS;
    case OPERATION_HISTORY:
        return LIMIT_HISTORY;
    case OPERATION_SEARCH:
        return LIMIT_SEARCHES;
    case OPERATION_UPLOAD:
        return LIMIT_UPLOADS;
    default:
        return LIMIT_REQUESTS;
    }
}

/* --- who is counted ------------------------------------------------------------------------ */

static void forget(struct table *table, struct counted *counted) {
    if (counted->users == 0) {
        DL_DELETE(table->away, counted);
        table->away_count--;
    }
    HASH_DEL(table->all, counted);
    free(counted);
}

static bool is_new(const struct table *table, const struct counted *counted, int64_t now_us) {
    for (size_t i = 0; i < table->buckets; i++)
        if (!bucket_is_full(&counted->buckets[i], now_us))
            return false;
    return true;
}

static struct counted *add(struct table *table, const unsigned char key[KEY_BYTES]) {
    size_t bytes = sizeof(struct counted) + table->buckets * sizeof(struct bucket);
    struct counted *counted = calloc(1, bytes);
    if (counted == NULL)
        return NULL;
    memcpy(counted->key, key, KEY_BYTES);
    if (!HASH_TRY_ADD(hh, table->all, key, counted)) {
        free(counted);
        return NULL;
    }
    return counted;
}

static struct counted *enter(struct table *table, const unsigned char key[KEY_BYTES]) {
    struct counted *counted = NULL;
    HASH_FIND(hh, table->all, key, KEY_BYTES, counted);
    if (counted == NULL) {
        counted = add(table, key);
        if (counted == NULL)
            return NULL;
    } else if (counted->users == 0) {
        DL_DELETE(table->away, counted);
        table->away_count--;
    }
    counted->users++;
    return counted;
}

static void leave(struct table *table, struct counted *counted, int64_t now_us) {
    if (--counted->users > 0)
        return;
    DL_APPEND(table->away, counted);
    if (++table->away_count > LIMITS_REMEMBERED_MAX)
        forget(table, table->away);
    while (table->away != NULL && is_new(table, table->away, now_us))
        forget(table, table->away);
}

struct counted *limits_enter(struct limits *self, uint64_t account) {
    unsigned char key[KEY_BYTES] = {0};
    memcpy(key, &account, sizeof account);
    return enter(&self->accounts, key);
}

void limits_leave(struct limits *self, struct counted **account, int64_t now_us) {
    if (*account != NULL)
        leave(&self->accounts, *account, now_us);
    *account = NULL;
}

/* --- counting ------------------------------------------------------------------------------ */

/* An address that nobody knows has no limit, nor has one without memory. */
static unsigned take_of_address(struct limits *self, const char *host, int64_t now_us) {
    struct address_key key;
    struct counted *address =
        address_key_make(slice_text(host), &key) ? enter(&self->addresses, key.bytes) : NULL;
    if (address == NULL)
        return 0;
    unsigned wait_s =
        bucket_take(&address->buckets[0], &self->kept[LIMIT_REGISTRATIONS].rate, now_us);
    leave(&self->addresses, address, now_us);
    return wait_s;
}

bool limits_refuse(struct limits *self, const struct limits_who *who, enum operation operation,
                   int64_t now_us, char reason_r[DIALECT_FAULT_BYTES]) {
    enum limit limit = limit_of(operation);
    if (limit == LIMIT_COUNT || self->kept[limit].per_minute == 0)
        return false;
    const struct kept_limit *kept = &self->kept[limit];
    unsigned wait_s = 0;
    if (limit == LIMIT_REGISTRATIONS)
        wait_s = take_of_address(self, who->host, now_us);
    else if (who->account != NULL)
        wait_s = bucket_take(&who->account->buckets[limit], &kept->rate, now_us);
    if (wait_s == 0)
        return false;
    metric_add(kept->refused, 1);
    snprintf(reason_r, DIALECT_FAULT_BYTES,
             "too many %s: more than %" PRIu64 " a minute; try again in %u s", limits[limit].what,
             kept->per_minute, wait_s);
    return true;
}

void limits_count(const struct limits *self, enum limit limit) {
    metric_add(self->kept[limit].refused, 1);
}

/* --- life ---------------------------------------------------------------------------------- */

struct limits *limits_new(const struct gateway_settings *settings, struct metrics *metrics) {
    const uint64_t per_minute[LIMIT_COUNT] = {
        [LIMIT_TEXTS] = settings->texts_per_minute,
        [LIMIT_GROUPS] = settings->groups_per_minute,
        [LIMIT_INVITATIONS] = settings->invitations_per_minute,
        [LIMIT_HISTORY] = settings->history_per_minute,
        [LIMIT_SEARCHES] = settings->searches_per_minute,
        [LIMIT_UPLOADS] = settings->uploads_per_minute,
        [LIMIT_REQUESTS] = settings->requests_per_minute,
        [LIMIT_REGISTRATIONS] = settings->registrations_per_address,
    };
    struct limits *self = calloc(1, sizeof *self);
    if (self == NULL)
        return NULL;
    self->accounts.buckets = ACCOUNT_BUCKETS;
    self->addresses.buckets = ADDRESS_BUCKETS;
    for (size_t i = 0; i < LIMIT_COUNT; i++) {
        struct kept_limit *kept = &self->kept[i];
        char label[64];
        snprintf(label, sizeof label, "limit=\"%s\"", limits[i].option);
        kept->refused = metrics_counter(metrics, "limited_total", label,
                                        "Requests and connections refused at a limit per account "
                                        "or address, or for their incomplete input.");
        kept->per_minute = per_minute[i];
        if (kept->per_minute > 0)
            kept->rate =
                bucket_rate_make(kept->per_minute, kept->per_minute * limits[i].burst_minutes);
    }
    return self;
}

static void forget_all(struct table *table) {
    struct counted *counted, *next;
    HASH_ITER(hh, table->all, counted, next) { forget(table, counted); }
}

void limits_destroy(struct limits **self) {
    if (*self != NULL) {
        forget_all(&(*self)->accounts);
        forget_all(&(*self)->addresses);
    }
    free(*self);
    *self = NULL;
}

size_t limits_remembered(const struct limits *self) {
    return self->accounts.away_count + self->addresses.away_count;
}
