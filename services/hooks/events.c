/* Events as JSON; see events.h. */
#include "services/hooks/events.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdlib.h>

#include "proto/conversation.h"

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

static void add_conversation(cJSON *event, const struct event_entry *entry) {
    event_json_add_conversation(
        event, &(struct event_conversation){.id = entry->conversation,
                                            .kind = conversation_kind(entry->conversation),
                                            .lo = entry->lo,
                                            .hi = entry->hi,
                                            .group = entry->group,
                                            .group_name = entry->group_name});
}

static cJSON *event_new(const char *type, uint64_t id, uint64_t time_ms) {
    cJSON *event = cJSON_CreateObject();
    event_json_add_decimal(event, "id", id);
    cJSON_AddStringToObject(event, "type", type);
    event_json_add_number(event, "time_ms", time_ms);
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
    event_json_add_party(event, "from", &entry->from);
    event_json_add_party(event, "subject", &entry->subject);
    event_json_add_party(event, "group", &entry->about);
    if (entry->type == ENTRY_RECALLED_TEXT)
        cJSON_AddBoolToObject(event, "recalled", true);
    else if (entry->type != ENTRY_EDITED || entry->text.length > 0)
        event_json_add_text(event, "text", entry->text);
    if (entry->type == ENTRY_FRIEND_ANSWER || entry->type == ENTRY_REACTED ||
        entry->type == ENTRY_BANNED || entry->type == ENTRY_BLOCKED)
        cJSON_AddBoolToObject(event, "accepted", entry->accepted);
    event_json_add_number(event, entry->type == ENTRY_MUTED ? "until_ms" : "target", entry->target);
    event_json_add_number(event, "edited_ms", entry->edited_ms);
    event_json_add_number(event, "reply", entry->reply);
    event_json_add_mentions(event, entry->mentions);
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
            event_json_add_file(event, &file);
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
            event_json_add_party(event, "from", &change->account);
        event_json_add_party(event, group ? "group" : "subject", subject);
        print(text, event);
    }
}

static cJSON *offline_new(const struct event_offline *offline, const struct event_entry *entry,
                          struct slice words) {
    cJSON *event = event_new("offline", offline->block, offline->time_ms);
    event_json_add_party(event, "account", &offline->account);
    cJSON_AddNumberToObject(event, "unread", (double)offline->unread);
    add_conversation(event, entry);
    event_json_add_party(event, "from", &entry->from);
    event_json_add_number(event, "cid", entry->cid);
    if (offline->with_text && entry->type != ENTRY_RECALLED_TEXT)
        event_json_add_text(event, "text", words);
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
    event_json_add_number(event, "time_ms", presence->time_ms);
    cJSON_AddNumberToObject(event, "account", (double)presence->number);
    print(text, event);
}
