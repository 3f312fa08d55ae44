/* Notices by a dialect's table of them; see notice.h. */
#include "services/gateway/dialect/notice.h"

#include "proto/conversation.h"
#include "services/gateway/dialect/json.h"

/* The kind of conversation that a notice stands in: the account's own, unless it concerns a whole
 * group or is not stored. */
static enum conversation_kind kind_of(enum entry_type type) {
    switch (type) {
    case ENTRY_JOINED:
    case ENTRY_LEFT:
    case ENTRY_REMOVED:
    case ENTRY_GROUP_RENAMED:
    case ENTRY_DISSOLVED:
        return CONVERSATION_GROUP;
    case ENTRY_FRIEND_ONLINE:
    case ENTRY_FRIEND_OFFLINE:
    case ENTRY_MEMBER_ONLINE:
    case ENTRY_MEMBER_OFFLINE:
        return CONVERSATION_PAIR;
    default:
        return CONVERSATION_SELF;
    }
}

const struct notice_row *notice_find(const struct notice_row *rows, size_t count,
                                     const struct entry *entry) {
    for (size_t i = 0; i < count; i++)
        if (rows[i].type == entry->type)
            return conversation_kind(entry->conversation) == kind_of(entry->type) ? &rows[i] : NULL;
    return NULL;
}

enum dialect_view notice_view(const struct notice_row *row, bool ext, const struct entry *entry,
                              uint64_t account) {
    if (row == NULL || (row->seen_by == NOTICE_FOR_EXT && !ext) ||
        (row->seen_by == NOTICE_FOR_SUBJECT && account != entry->subject))
        return DIALECT_VIEW_NOTHING;
    return DIALECT_VIEW_COMMON;
}

static bool refuses(const struct notice_row *row, const struct entry *entry) {
    return row->number_if_no != 0 && !entry->accepted;
}

uint64_t notice_number(const struct notice_row *row, const struct entry *entry) {
    return refuses(row, entry) ? row->number_if_no : row->number;
}

static void write_value(enum notice_value value, bool string_ids, const struct entry *entry,
                        struct buffer *out) {
    switch (value) {
    case NOTICE_FROM:
        json_id(out, string_ids, entry->from, entry->from_id);
        break;
    case NOTICE_SUBJECT:
        json_id(out, string_ids, entry->subject, entry->subject_id);
        break;
    case NOTICE_TO:
        json_id(out, string_ids, entry->to, entry->to_id);
        break;
    case NOTICE_ANSWER:
        json_raw(out, entry->accepted ? "true" : "false");
        break;
    case NOTICE_TEXT:
        json_text(out, entry->text);
        break;
    case NOTICE_END:
        break;
    }
}

void notice_write_fields(const struct notice_row *row, bool ext, bool string_ids,
                         const struct entry *entry, struct buffer *out) {
    bool no = refuses(row, entry);
    const struct notice_field *fields = no ? row->fields_if_no : row->fields;
    size_t count = no ? sizeof row->fields_if_no / sizeof row->fields_if_no[0]
                      : sizeof row->fields / sizeof row->fields[0];
    const char *separator = "\"";
    for (size_t i = 0; i < count && fields[i].value != NOTICE_END; i++) {
        if (fields[i].ext && !ext)
            continue;
        json_raw(out, separator);
        json_raw(out, fields[i].key);
        json_raw(out, "\":");
        write_value(fields[i].value, string_ids, entry, out);
        separator = ",\"";
    }
}
