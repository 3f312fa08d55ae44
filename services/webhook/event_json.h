/*
 * The parts that all events have as JSON, whoever tells of them; docs/hooks.md shows each. Pure.
 * Without memory they are left out, and cJSON prints nothing in the end.
 */
#ifndef PARLEY_WEBHOOK_EVENT_JSON_H
#define PARLEY_WEBHOOK_EVENT_JSON_H

#include <cjson/cJSON.h>

#include "proto/conversation.h"
#include "proto/messages.h"

/* Somebody, or a group: a number, and the string id where it is another one. */
struct event_party {
    uint64_t number; /* 0: none */
    struct slice id;
};

struct event_conversation {
    uint64_t id; /* 0: it is left out */
    enum conversation_kind kind;
    struct event_party lo, hi; /* of a pair; lo alone: whose own notices these are */
    struct event_party group;
    struct slice group_name;
};

void event_json_add_text(cJSON *object, const char *key, struct slice text);
/* Unless it is 0. */
void event_json_add_number(cJSON *object, const char *key, uint64_t number);
/* As a text: numbers of conversations are too large for readers of JSON, and ids of events are
 * compared. */
void event_json_add_decimal(cJSON *object, const char *key, uint64_t number);
/* {"number", "id"}, the id always; unless there is none. */
void event_json_add_party(cJSON *object, const char *key, const struct event_party *party);
void event_json_add_conversation(cJSON *event, const struct event_conversation *conversation);
/* As proto/mentions.h packs them; 0 mentions all. */
void event_json_add_mentions(cJSON *event, struct slice packed);
void event_json_add_file(cJSON *event, const struct file *file);

#endif
