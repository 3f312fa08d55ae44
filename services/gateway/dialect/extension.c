/* The tables of extensions; see extension.h. */
#include "services/gateway/dialect/extension.h"

#include "proto/conversation.h"
#include "services/gateway/dialect/answer.h"
#include "services/gateway/dialect/extension_change.h"
#include "services/gateway/dialect/extension_conversations.h"
#include "services/gateway/dialect/extension_devices.h"
#include "services/gateway/dialect/extension_files.h"
#include "services/gateway/dialect/extension_forget.h"
#include "services/gateway/dialect/extension_history.h"
#include "services/gateway/dialect/extension_live.h"
#include "services/gateway/dialect/extension_moderation.h"
#include "services/gateway/dialect/extension_people.h"
#include "services/gateway/dialect/extension_push.h"
#include "services/gateway/dialect/json.h"

/* --- requests ------------------------------------------------------------------------------ */

static const struct request_row rows[] = {
    {301, OPERATION_RECEIVED, NEEDS_LOGIN | NEEDS_EXT, extension_read_cursor},
    {302, OPERATION_READ, NEEDS_LOGIN | NEEDS_EXT, extension_read_cursor},
    {303, OPERATION_HISTORY, NEEDS_LOGIN | NEEDS_EXT, extension_read_history},
    {305, OPERATION_CONVERSATIONS, NEEDS_LOGIN | NEEDS_EXT, extension_read_conversations},
    {307, OPERATION_FRIENDS, NEEDS_LOGIN | NEEDS_EXT, extension_read_friends},
    {309, OPERATION_MEMBERS, NEEDS_LOGIN | NEEDS_EXT, extension_read_members},
    {311, OPERATION_PROFILE, NEEDS_LOGIN | NEEDS_EXT, extension_read_profile},
    {313, OPERATION_TYPING, NEEDS_LOGIN | NEEDS_EXT, extension_read_typing},
    {315, OPERATION_RECALL, NEEDS_LOGIN | NEEDS_EXT, extension_read_recall},
    {317, OPERATION_RESUME, NEEDS_NOTHING, reading_resumption},
    {319, OPERATION_DEVICES, NEEDS_LOGIN | NEEDS_EXT, extension_devices_read},
    {321, OPERATION_BLOCK, NEEDS_LOGIN | NEEDS_EXT, extension_read_block},
    {323, OPERATION_UPLOAD, NEEDS_LOGIN | NEEDS_EXT, extension_read_upload},
    {325, OPERATION_NONE, NEEDS_LOGIN | NEEDS_EXT, extension_read_set},
    {327, OPERATION_EDIT, NEEDS_LOGIN | NEEDS_EXT, extension_read_edit},
    {329, OPERATION_REACT, NEEDS_LOGIN | NEEDS_EXT, extension_read_react},
    {331, OPERATION_SEARCH, NEEDS_LOGIN | NEEDS_EXT, extension_read_search},
    {333, OPERATION_MUTE, NEEDS_LOGIN | NEEDS_EXT, extension_read_mute},
    {335, OPERATION_BAN, NEEDS_LOGIN | NEEDS_EXT, extension_read_ban},
    {337, OPERATION_QUIET, NEEDS_LOGIN | NEEDS_EXT, extension_read_quiet},
    {339, OPERATION_FORGET, NEEDS_LOGIN | NEEDS_EXT, extension_read_forget},
    {341, OPERATION_SET_STICKER, NEEDS_LOGIN | NEEDS_EXT, extension_read_sticker},
    {343, OPERATION_STICKERS, NEEDS_LOGIN | NEEDS_EXT, NULL},
    {345, OPERATION_PUSH, NEEDS_LOGIN | NEEDS_EXT, extension_read_push},
};

const struct request_row *extension_find_row(uint64_t number) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].number == number)
            return &rows[i];
    return NULL;
}

/* --- answers ------------------------------------------------------------------------------- */

static const struct extension_answer answers[] = {
    {OPERATION_HISTORY, 304, extension_write_history},
    {OPERATION_CONVERSATIONS, 306, extension_write_conversations},
    {OPERATION_SEARCH, 332, extension_write_search},
    {OPERATION_DEVICES, 320, extension_devices_write},
    {OPERATION_FRIENDS, 308, extension_write_friends},
    {OPERATION_MEMBERS, 310, extension_write_members},
    {OPERATION_PROFILE, 312, extension_write_profile},
    {OPERATION_UPLOAD, 324, extension_write_upload},
    {OPERATION_SET_STICKER, 342, extension_write_sticker},
    {OPERATION_STICKERS, 344, extension_write_stickers},
    {OPERATION_PUSH, 346, extension_write_push},
};

void extension_write_answer(const struct dialect_form *form, const struct dialect_account *self,
                            const struct dialect_request *request,
                            const struct dialect_result *result, struct buffer *out) {
    if (result->reply == NULL)
        return;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        if (answers[i].operation != request->operation)
            continue;
        form->open(out, answers[i].number, result->time_ms);
        if (request->ref.length > 0) {
            json_raw(out, "\"ref\":");
            json_text(out, request->ref);
            json_raw(out, ",");
        }
        answers[i].write(form, self, request, result, out);
        form->close(out);
        return;
    }
}

void extension_write_300(const struct dialect_form *form, const struct dialect_request *request,
                         const struct dialect_result *result, struct buffer *out) {
    form->open(out, 300, result->time_ms);
    answer_write_result(request, result, out);
    form->close(out);
}

/* --- entries ------------------------------------------------------------------------------- */

static const struct extension_notice notices[] = {
    {ENTRY_RECEIVED, 301, extension_write_cursor},
    {ENTRY_READ, 302, extension_write_cursor},
    {ENTRY_TYPING, 313, extension_write_typing},
    {ENTRY_QUIET, 337, extension_write_quiet},
    {ENTRY_MUTED, 333, extension_write_muted},
    {ENTRY_BANNED, 335, extension_write_banned},
    {ENTRY_BLOCKED, 321, extension_write_blocked},
    {ENTRY_RECALLED, 315, extension_write_recalled},
    {ENTRY_EDITED, 327, extension_write_edited},
    {ENTRY_REACTED, 329, extension_write_reacted},
    {ENTRY_PROFILE, 325, extension_write_profile_changed},
    {ENTRY_GROUP_PROFILE, 325, extension_write_group_changed},
    {ENTRY_NICK, 325, extension_write_nick},
};

static const struct extension_notice *find_notice(enum entry_type type) {
    for (size_t i = 0; i < sizeof notices / sizeof notices[0]; i++)
        if (notices[i].type == type && notices[i].write != NULL)
            return &notices[i];
    return NULL;
}

bool extension_has_notice(enum entry_type type) {
    return type > ENTRY_SYSTEM && find_notice(type) != NULL;
}

enum dialect_view extension_entry_view(const struct entry *entry) {
    bool changes = entry->type == ENTRY_EDITED || entry->type == ENTRY_REACTED;
    /* Of a text that was recalled since; or that this account may not read. */
    if ((changes && entry->text.length == 0) ||
        ((changes || entry->type == ENTRY_RECALLED) && entry->target == 0))
        return DIALECT_VIEW_NOTHING;
    return conversation_kind(entry->conversation) == CONVERSATION_PAIR ? DIALECT_VIEW_OWN
                                                                       : DIALECT_VIEW_COMMON;
}

void extension_write_entry(const struct dialect_form *form, const struct entry *entry,
                           uint64_t account, struct buffer *out) {
    const struct extension_notice *notice = find_notice(entry->type);
    form->open(out, notice->number, entry->time_ms);
    notice->write(form, entry, account, out);
    answer_write_place(entry, out);
    form->close(out);
}

void extension_write_skipped(const struct dialect_form *form, const struct dialect_account *self,
                             const struct entry *entry, uint64_t skipped, uint64_t time_ms,
                             struct buffer *out) {
    form->open(out, 318, time_ms);
    answer_write_peer(form->string_ids, entry, self, out);
    json_raw(out, ",\"cid\":");
    json_number(out, entry->cid);
    json_raw(out, ",\"skipped\":");
    json_number(out, skipped);
    form->close(out);
}
