/* Events as JSON; see events.h. */
#include "services/hooks/events.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/conversation.h"
#include "proto/mentions.h"

/* A number in decimal, with the 0 at the end. */
#define DECIMAL_BYTES 24

/* What an entry is called. Without a name it is none for hooks, as entries that are not stored. */
struct type {
    const char *name;
    enum hook_family family;
    enum hook_kind kind;
};

static const struct type types[] = {
    [ENTRY_TEXT] = {"message", HOOK_FAMILY_MESSAGES, HOOK_KIND_TEXT},
    [ENTRY_JOINED] = {"group.joined", HOOK_FAMILY_MEMBERSHIP, 0},
    [ENTRY_LEFT] = {"group.left", HOOK_FAMILY_MEMBERSHIP, 0},
    [ENTRY_REMOVED] = {"group.removed", HOOK_FAMILY_MEMBERSHIP, 0},
    [ENTRY_ADMIN_ADDED] = {"group.admin_added", HOOK_FAMILY_MEMBERSHIP, 0},
    [ENTRY_ADMIN_REMOVED] = {"group.admin_removed", HOOK_FAMILY_MEMBERSHIP, 0},
    [ENTRY_DISSOLVED] = {"group.dissolved", HOOK_FAMILY_MEMBERSHIP, 0},
    [ENTRY_GROUP_RENAMED] = {"group.renamed", HOOK_FAMILY_MEMBERSHIP, 0},
    [ENTRY_RENAMED] = {"account.renamed", HOOK_FAMILY_ACCOUNT, 0},
    [ENTRY_FRIEND_REQUEST] = {"friend.requested", HOOK_FAMILY_FRIENDSHIP, 0},
    [ENTRY_FRIEND_ANSWER] = {"friend.answered", HOOK_FAMILY_FRIENDSHIP, 0},
    [ENTRY_FRIEND_REMOVED] = {"friend.removed", HOOK_FAMILY_FRIENDSHIP, 0},
    [ENTRY_JOIN_REQUEST] = {"group.join_requested", HOOK_FAMILY_MEMBERSHIP, 0},
    [ENTRY_JOIN_REFUSED] = {"group.join_refused", HOOK_FAMILY_MEMBERSHIP, 0},
    [ENTRY_SYSTEM] = {"message.system", HOOK_FAMILY_MESSAGES, HOOK_KIND_SYSTEM},
    [ENTRY_RECALLED_TEXT] = {"message", HOOK_FAMILY_MESSAGES, HOOK_KIND_TEXT},
    [ENTRY_RECALLED] = {"message.recalled", HOOK_FAMILY_MESSAGES, HOOK_KIND_CHANGE},
    [ENTRY_EDITED] = {"message.edited", HOOK_FAMILY_MESSAGES, HOOK_KIND_CHANGE},
    [ENTRY_REACTED] = {"message.reacted", HOOK_FAMILY_MESSAGES, HOOK_KIND_CHANGE},
    [ENTRY_PROFILE] = {"account.profile", HOOK_FAMILY_ACCOUNT, 0},
    [ENTRY_GROUP_PROFILE] = {"group.profile", HOOK_FAMILY_MEMBERSHIP, 0},
    [ENTRY_NICK] = {"group.nick", HOOK_FAMILY_MEMBERSHIP, 0},
    [ENTRY_MUTED] = {"group.muted", HOOK_FAMILY_MEMBERSHIP, 0},
    [ENTRY_BANNED] = {"group.banned", HOOK_FAMILY_MEMBERSHIP, 0},
    [ENTRY_BLOCKED] = {"friend.blocked", HOOK_FAMILY_FRIENDSHIP, 0},
};

static const struct {
    const char *what, *name;
    enum hook_family family;
} changes[] = {
    {"account_made", "account.made", HOOK_FAMILY_ACCOUNT},
    {"account_disabled", "account.disabled", HOOK_FAMILY_ACCOUNT},
    {"account_enabled", "account.enabled", HOOK_FAMILY_ACCOUNT},
    {"account_deleted", "account.deleted", HOOK_FAMILY_ACCOUNT},
    {"group_made", "group.made", HOOK_FAMILY_MEMBERSHIP},
};

/* --- pieces ---------------------------------------------------------------------------------- */

static void add_text(cJSON *object, const char *key, struct slice text) {
    char *copy = slice_copy(text);
    if (copy != NULL)
        cJSON_AddStringToObject(object, key, copy);
    free(copy);
}

static void add_number(cJSON *object, const char *key, uint64_t number) {
    if (number != 0)
        cJSON_AddNumberToObject(object, key, (double)number);
}

/* Numbers of conversations are too large for readers of JSON, and ids of events are compared. */
static void add_decimal(cJSON *object, const char *key, uint64_t number) {
    char text[DECIMAL_BYTES];
    snprintf(text, sizeof text, "%" PRIu64, number);
    cJSON_AddStringToObject(object, key, text);
}

/* {"number", "id"}; the id is always there. */
static cJSON *party_new(const struct event_party *party) {
    cJSON *object = cJSON_CreateObject();
    add_number(object, "number", party->number);
    if (party->id.length > 0)
        add_text(object, "id", party->id);
    else
        add_decimal(object, "id", party->number);
    return object;
}

static void add_party(cJSON *object, const char *key, const struct event_party *party) {
    if (party->number != 0)
        cJSON_AddItemToObject(object, key, party_new(party));
}

static void add_conversation(cJSON *event, const struct event_entry *entry) {
    static const char *const kinds[] = {"pair", "group", "own", "all"};
    const enum conversation_kind kind = conversation_kind(entry->conversation);
    cJSON *object = cJSON_AddObjectToObject(event, "conversation");
    add_decimal(object, "id", entry->conversation);
    cJSON_AddStringToObject(object, "kind", kinds[kind]);
    if (kind == CONVERSATION_GROUP) {
        add_party(object, "group", &entry->group);
        add_text(object, "name", entry->group_name);
    } else if (kind != CONVERSATION_BROADCAST) {
        cJSON *accounts = cJSON_AddArrayToObject(object, "accounts");
        cJSON_AddItemToArray(accounts, party_new(&entry->lo));
        if (kind == CONVERSATION_PAIR)
            cJSON_AddItemToArray(accounts, party_new(&entry->hi));
    }
}

/* 0 mentions all. */
static void add_mentions(cJSON *event, struct slice packed) {
    const size_t count = mentions_count(packed);
    if (count == 0)
        return;
    cJSON *list = cJSON_AddArrayToObject(event, "mentions");
    for (size_t i = 0; i < count; i++)
        cJSON_AddItemToArray(list, cJSON_CreateNumber((double)mentions_get(packed, i)));
}

static void add_file(cJSON *event, const struct file *file) {
    static const char *const kinds[] = {
        [FILE_STICKER] = "sticker", [FILE_IMAGE] = "image", [FILE_PLAIN] = "file"};
    char id[DECIMAL_BYTES];
    cJSON *object = cJSON_AddObjectToObject(event, "file");
    snprintf(id, sizeof id, "%016" PRIx64, file->id);
    cJSON_AddStringToObject(object, "id", id);
    if (file->kind <= FILE_PLAIN && kinds[file->kind] != NULL)
        cJSON_AddStringToObject(object, "kind", kinds[file->kind]);
    add_text(object, "name", file->name);
    add_text(object, "mime", file->mime);
    cJSON_AddNumberToObject(object, "size", (double)file->size);
    add_number(object, "width", file->width);
    add_number(object, "height", file->height);
}

static cJSON *event_new(const char *type, uint64_t id, uint64_t time_ms) {
    cJSON *event = cJSON_CreateObject();
    add_decimal(event, "id", id);
    cJSON_AddStringToObject(event, "type", type);
    add_number(event, "time_ms", time_ms);
    return event;
}

/* Without memory cJSON leaves parts out, and prints nothing in the end. */
static void print(struct event_text *text, cJSON *event) {
    char *printed = event == NULL ? NULL : cJSON_PrintUnformatted(event);
    if (text->count++ > 0)
        buffer_add_text(&text->json, ",");
    if (printed == NULL)
        text->json.failed = true;
    else
        buffer_add_text(&text->json, printed);
    cJSON_free(printed);
    cJSON_Delete(event);
}

/* --- events ---------------------------------------------------------------------------------- */

struct event_text events_begin(const char *hook, uint64_t now_ms) {
    struct event_text text = {.json = buffer_make(EVENTS_MAX_BYTES)};
    /* The name of a hook needs no quoting. */
    buffer_printf(&text.json,
                  "{\"type\":\"events\",\"hook\":\"%s\",\"time_ms\":%" PRIu64 ",\"events\":[", hook,
                  now_ms);
    return text;
}

void events_end(struct event_text *text) { buffer_add_text(&text->json, "]}"); }

static const struct type *type_of(const struct event_entry *entry) {
    const struct type *type =
        entry->type < sizeof types / sizeof types[0] ? &types[entry->type] : NULL;
    if (type == NULL || type->name == NULL)
        return NULL;
    /* Friends get copies of what an account changes in its profile. */
    bool copied = entry->type == ENTRY_RENAMED || entry->type == ENTRY_PROFILE;
    return copied && entry->conversation != conversation_of_account(entry->subject.number) ? NULL
                                                                                           : type;
}

static enum hook_kind kind_of_file(const struct file *file) {
    return file->kind == FILE_STICKER ? HOOK_KIND_STICKER
           : file->kind == FILE_IMAGE ? HOOK_KIND_IMAGE
                                      : HOOK_KIND_FILE;
}

static bool wants(const struct selection *selection, const struct type *type, enum hook_kind kind,
                  const struct event_entry *entry) {
    const struct selection_about about = {
        .family = type->family,
        .kind = kind,
        .accounts = {entry->from.number, entry->subject.number, entry->lo.number, entry->hi.number},
        .group = entry->group.number != 0 ? entry->group.number : entry->about.number};
    return selection_takes(selection, &about);
}

static cJSON *entry_new(const struct type *type, const struct event_entry *entry) {
    cJSON *event = event_new(type->name, entry->cid, entry->time_ms);
    add_conversation(event, entry);
    add_party(event, "from", &entry->from);
    add_party(event, "subject", &entry->subject);
    add_party(event, "group", &entry->about);
    if (entry->type == ENTRY_RECALLED_TEXT)
        cJSON_AddBoolToObject(event, "recalled", true);
    else if (entry->type != ENTRY_EDITED || entry->text.length > 0)
        add_text(event, "text", entry->text);
    if (entry->type == ENTRY_FRIEND_ANSWER || entry->type == ENTRY_REACTED ||
        entry->type == ENTRY_BANNED || entry->type == ENTRY_BLOCKED)
        cJSON_AddBoolToObject(event, "accepted", entry->accepted);
    add_number(event, entry->type == ENTRY_MUTED ? "until_ms" : "target", entry->target);
    add_number(event, "edited_ms", entry->edited_ms);
    add_number(event, "reply", entry->reply);
    add_mentions(event, entry->mentions);
    return event;
}

void events_add_entry(struct event_text *text, const struct selection *selection,
                      const struct event_entry *entry) {
    const struct type *type = type_of(entry);
    struct record_arena arena = {0};
    struct file file = {.id = 0};
    const char *fault;
    bool shows = entry->file.length > 0 &&
                 record_unpack(&file_desc, entry->file, &arena, &file, &fault) == 0;
    if (type != NULL && wants(selection, type, shows ? kind_of_file(&file) : type->kind, entry)) {
        cJSON *event = entry_new(type, entry);
        if (shows)
            add_file(event, &file);
        print(text, event);
    }
    record_arena_free(&arena);
}

void events_add_change(struct event_text *text, const struct selection *selection,
                       const struct event_change *change) {
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        const bool group = changes[i].family == HOOK_FAMILY_MEMBERSHIP;
        /* Who makes an account is that account. */
        const struct event_party *subject =
            change->subject.number != 0 ? &change->subject : &change->account;
        const struct selection_about about = {
            .family = changes[i].family,
            .accounts = {change->account.number, group ? 0 : subject->number},
            .group = group ? subject->number : 0};
        if (!slice_equal(change->what, slice_text(changes[i].what)) ||
            !selection_takes(selection, &about))
            continue;
        cJSON *event = event_new(changes[i].name, change->block, change->time_ms);
        if (change->subject.number != 0)
            add_party(event, "from", &change->account);
        add_party(event, group ? "group" : "subject", subject);
        print(text, event);
    }
}

static cJSON *offline_new(const struct event_offline *offline, const struct event_entry *entry,
                          struct slice words) {
    cJSON *event = event_new("offline", offline->block, offline->time_ms);
    add_party(event, "account", &offline->account);
    cJSON_AddNumberToObject(event, "unread", (double)offline->unread);
    add_conversation(event, entry);
    add_party(event, "from", &entry->from);
    add_number(event, "cid", entry->cid);
    if (offline->with_text && entry->type != ENTRY_RECALLED_TEXT)
        add_text(event, "text", words);
    return event;
}

void events_add_offline(struct event_text *text, const struct selection *selection,
                        const struct event_offline *offline, const struct event_entry *entry) {
    const struct selection_about about = {.family = HOOK_FAMILY_OFFLINE,
                                          .accounts = {offline->account.number},
                                          .group = entry->group.number};
    if (!selection_takes(selection, &about))
        return;
    print(text, offline_new(offline, entry, entry->text));
}

void events_write_offline(const struct event_offline *offline, const struct event_entry *entry,
                          struct buffer *out) {
    struct slice words = entry->text;
    if (words.length > EVENTS_SHORT_BYTES)
        words.length = EVENTS_SHORT_BYTES;
    /* Whole characters only. */
    while (words.length > 0 && words.length < entry->text.length &&
           ((unsigned char)entry->text.data[words.length] & 0xc0) == 0x80)
        words.length--;
    cJSON *event = offline_new(offline, entry, words);
    char *printed = cJSON_PrintUnformatted(event);
    buffer_add_text(out, printed == NULL ? "{}" : printed);
    cJSON_free(printed);
    cJSON_Delete(event);
}

void events_add_presence(struct event_text *text, const struct event_presence *presence) {
    cJSON *event = cJSON_CreateObject();
    cJSON_AddStringToObject(event, "type",
                            presence->online ? "presence.online" : "presence.offline");
    add_number(event, "time_ms", presence->time_ms);
    cJSON_AddNumberToObject(event, "account", (double)presence->number);
    print(text, event);
}
