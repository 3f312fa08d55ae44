/* Blocks, and what administrators do to members; see extension_moderation.h. */
#include "services/gateway/dialect/extension_moderation.h"

#include "services/gateway/dialect/json.h"

/* --- requests ------------------------------------------------------------------------------ */

void extension_read_block(struct reading *reading) {
    reading->read_id(reading, reading->body, "user", &reading->request->person);
    reading_flag(reading, reading->body, "on", &reading->request->accept);
}

void extension_read_mute(struct reading *reading) {
    reading->read_id(reading, reading->body, "group", &reading->request->group);
    reading->read_id(reading, reading->body, "user", &reading->request->person);
    reading_whole(reading, reading->body, "until_ms", 0, NUMBER_LIMIT - 1,
                  &reading->request->until_ms);
}

void extension_read_ban(struct reading *reading) {
    reading->read_id(reading, reading->body, "group", &reading->request->group);
    extension_read_block(reading);
}

/* --- notices ------------------------------------------------------------------------------- */

static void write_ids(const struct dialect_form *form, const struct entry *entry,
                      struct buffer *out) {
    json_raw(out, "\"group\":");
    json_id(out, form->string_ids, entry->to, entry->to_id);
    json_raw(out, ",\"by\":");
    json_id(out, form->string_ids, entry->from, entry->from_id);
    json_raw(out, ",\"user\":");
    json_id(out, form->string_ids, entry->subject, entry->subject_id);
}

static void write_on(const struct entry *entry, struct buffer *out) {
    json_raw(out, entry->accepted ? ",\"on\":true" : ",\"on\":false");
}

void extension_write_blocked(const struct dialect_form *form, const struct entry *entry,
                             uint64_t account, struct buffer *out) {
    (void)account;
    json_raw(out, "\"user\":");
    json_id(out, form->string_ids, entry->subject, entry->subject_id);
    write_on(entry, out);
}

void extension_write_muted(const struct dialect_form *form, const struct entry *entry,
                           uint64_t account, struct buffer *out) {
    (void)account;
    write_ids(form, entry, out);
    json_raw(out, ",\"until_ms\":");
    json_number(out, entry->target);
}

void extension_write_banned(const struct dialect_form *form, const struct entry *entry,
                            uint64_t account, struct buffer *out) {
    (void)account;
    write_ids(form, entry, out);
    write_on(entry, out);
}
