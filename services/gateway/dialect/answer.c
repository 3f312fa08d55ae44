/* The common parts of answers; see answer.h. */
#include "services/gateway/dialect/answer.h"

#include "proto/conversation.h"
#include "services/gateway/dialect/json.h"

struct slice answer_reason(const struct dialect_result *result) {
    return result->reason.length > 0 ? result->reason : slice_text(err_text(result->err));
}

void answer_write_result(const struct dialect_request *request, const struct dialect_result *result,
                         struct buffer *out) {
    json_raw(out, "\"ref\":");
    json_text(out, request->ref);
    if (result->err != ERR_OK) {
        json_raw(out, ",\"ok\":false,\"error\":");
        json_text(out, slice_text(err_word(result->err)));
        json_raw(out, ",\"text\":");
        json_text(out, answer_reason(result));
        return;
    }
    json_raw(out, ",\"ok\":true");
    if (result->cid == 0)
        return; /* nothing was stored under an id */
    json_raw(out, ",\"cid\":");
    json_number(out, result->cid);
    json_raw(out, ",\"time_ms\":");
    json_number(out, result->stored_ms);
}

void answer_write_peer(bool string_ids, const struct entry *entry,
                       const struct dialect_account *account, struct buffer *out) {
    enum conversation_kind kind = conversation_kind(entry->conversation);
    json_raw(out, kind == CONVERSATION_GROUP ? "\"peer\":{\"group\":" : "\"peer\":{\"user\":");
    if (kind == CONVERSATION_GROUP || (kind == CONVERSATION_PAIR && entry->from == account->number))
        json_id(out, string_ids, entry->to, entry->to_id);
    else if (kind == CONVERSATION_PAIR)
        json_id(out, string_ids, entry->from, entry->from_id);
    else if (kind == CONVERSATION_SELF)
        json_id(out, string_ids, account->number, account->id);
    else
        json_id(out, string_ids, 0, slice_make(NULL, 0));
    json_raw(out, "}");
}

void answer_write_asked_peer(bool string_ids, const struct dialect_request *request,
                             struct buffer *out) {
    bool group = request->group.present;
    const struct dialect_id *id = group ? &request->group : &request->person;
    json_raw(out, group ? "\"peer\":{\"group\":" : "\"peer\":{\"user\":");
    json_id(out, string_ids, id->number, id->text);
    json_raw(out, "}");
}

static void write_reactions(const struct record_list *reactions, struct buffer *out) {
    const struct reaction *items = reactions->items;
    for (size_t i = 0; i < reactions->count; i++) {
        json_raw(out, i == 0 ? ",\"reactions\":[{\"emoji\":" : ",{\"emoji\":");
        json_text(out, items[i].emoji);
        json_raw(out, ",\"count\":");
        json_number(out, items[i].count);
        json_raw(out, items[i].mine ? ",\"mine\":true}" : ",\"mine\":false}");
    }
    if (reactions->count > 0)
        json_raw(out, "]");
}

static void write_mentions(bool string_ids, const struct entry *entry, struct buffer *out) {
    const struct u64_list *accounts = &entry->mentions;
    const char *separator = ",\"mentions\":[";
    if (accounts->count > 0 && accounts->items[0] == 0) {
        json_raw(out, ",\"mentions\":\"all\"");
        return;
    }
    for (size_t i = 0; i < accounts->count; i++) {
        json_raw(out, separator);
        json_id(out, string_ids, accounts->items[i],
                i < entry->mention_ids.count ? entry->mention_ids.items[i] : slice_make(NULL, 0));
        separator = ",";
    }
    json_raw(out, accounts->count > 0 ? "]" : "");
}

void answer_write_text_fields(bool string_ids, const struct entry *entry, struct buffer *out) {
    if (entry->type == ENTRY_RECALLED_TEXT)
        json_raw(out, ",\"recalled\":true");
    if (entry->edited_ms != 0) {
        json_raw(out, ",\"edited_ms\":");
        json_number(out, entry->edited_ms);
    }
    if (entry->reply != 0) {
        json_raw(out, ",\"reply\":");
        json_number(out, entry->reply);
    }
    write_mentions(string_ids, entry, out);
    write_reactions(&entry->reactions, out);
}

void answer_write_epoch(const struct dialect_result *result, struct buffer *out) {
    if (result->epoch == 0)
        return;
    json_raw(out, ",\"epoch\":");
    json_number(out, result->epoch);
}

void answer_write_place(const struct entry *entry, struct buffer *out) {
    if (entry->cid != 0) {
        json_raw(out, ",\"cid\":");
        json_number(out, entry->cid);
    }
    json_raw(out, ",\"time_ms\":");
    json_number(out, entry->time_ms);
}
