/*
 * Events as JSON, from rows of the message log and of the journal; docs/hooks.md shows each. Pure.
 *
 *     struct event_text text = events_begin(hook_name, now_ms);
 *     events_add_entry(&text, selection, &entry);         what the hook does not want is left out
 *     events_add_change(&text, selection, &change);
 *     events_end(&text);                                  text.json is the whole body
 *
 * Bytes go into a bounded buffer: `json.failed` says that there was no room, or no memory.
 */
#ifndef PARLEY_HOOKS_EVENTS_H
#define PARLEY_HOOKS_EVENTS_H

#include "services/hooks/selection.h"
#include "services/webhook/event_json.h"

/* limit: hooks | a request to a hook's address | {EVENTS_MAX_BYTES}; it ends behind
 * `hook_batch_events` events or {EVENTS_FULL_BYTES}, with the whole of a batch of delivery | the
 * rest goes into the next one */
/* A batch of delivery has 1 MiB of text; a byte of it becomes six at most. */
#define EVENTS_MAX_BYTES ((size_t)16 << 20)
#define EVENTS_FULL_BYTES ((size_t)1 << 20)

struct event_text {
    struct buffer json;
    size_t count;
};

/* A row of the message log. */
struct event_entry {
    uint64_t conversation, cid, time_ms;
    enum entry_type type;
    struct event_party from, subject, about; /* `about`: the group of a person's own notice */
    struct event_party lo, hi;               /* of a pair; lo alone: whose own notices these are */
    struct event_party group;                /* whose conversation it is */
    struct slice group_name;
    bool accepted;
    struct slice text, mentions, file;
    uint64_t target, edited_ms, reply; /* 0: none */
};

/* A row of the journal that names no entries. */
struct event_change {
    uint64_t block, time_ms;
    struct slice what; /* a word of the audit */
    struct event_party account, subject;
};

/* An account that has to be woken: the text it lacks, and how many. */
struct event_offline {
    uint64_t block, time_ms, unread;
    struct event_party account;
    bool with_text;
};

struct event_presence {
    uint64_t number, time_ms;
    bool online;
};

struct event_text events_begin(const char *hook, uint64_t now_ms);
void events_add_entry(struct event_text *text, const struct selection *selection,
                      const struct event_entry *entry);
void events_add_change(struct event_text *text, const struct selection *selection,
                       const struct event_change *change);
/* `entry`: the text. */
void events_add_offline(struct event_text *text, const struct selection *selection,
                        const struct event_offline *offline, const struct event_entry *entry);
/* The same event alone, appended to `out`, with at most EVENTS_SHORT_BYTES of the text. */
#define EVENTS_SHORT_BYTES 500
void events_write_offline(const struct event_offline *offline, const struct event_entry *entry,
                          struct buffer *out);
void events_add_presence(struct event_text *text, const struct event_presence *presence);
void events_end(struct event_text *text);

#endif
