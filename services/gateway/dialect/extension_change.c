/* Recalls, edits and reactions; see extension_change.h. */
#include "services/gateway/dialect/extension_change.h"

#include "services/gateway/dialect/answer.h"
#include "services/gateway/dialect/json.h"

void extension_read_recall(struct reading *reading) {
    reading_peer(reading);
    reading_cid(reading);
}

void extension_read_edit(struct reading *reading) {
    extension_read_recall(reading);
    reading_text(reading, reading->body, "msg", TEXT_MAX_BYTES, &reading->request->text);
}

void extension_read_react(struct reading *reading) {
    extension_read_recall(reading);
    reading_text(reading, reading->body, "emoji", EMOJI_MAX_BYTES, &reading->request->text);
    reading_flag(reading, reading->body, "on", &reading->request->accept);
}

void extension_write_recalled(const struct dialect_form *form, const struct entry *entry,
                              uint64_t account, struct buffer *out) {
    /* Of a pair's entry only the account's number is looked at. */
    answer_write_peer(form->string_ids, entry, &(struct dialect_account){.number = account}, out);
    json_raw(out, ",\"user\":");
    json_id(out, form->string_ids, entry->from, entry->from_id);
    json_raw(out, ",\"target\":");
    json_number(out, entry->target);
}

void extension_write_edited(const struct dialect_form *form, const struct entry *entry,
                            uint64_t account, struct buffer *out) {
    extension_write_recalled(form, entry, account, out);
    json_raw(out, ",\"msg\":");
    json_text(out, entry->text);
    json_raw(out, ",\"edited_ms\":");
    json_number(out, entry->edited_ms);
}

void extension_write_reacted(const struct dialect_form *form, const struct entry *entry,
                             uint64_t account, struct buffer *out) {
    extension_write_recalled(form, entry, account, out);
    json_raw(out, ",\"emoji\":");
    json_text(out, entry->text);
    json_raw(out, entry->accepted ? ",\"on\":true" : ",\"on\":false");
}
