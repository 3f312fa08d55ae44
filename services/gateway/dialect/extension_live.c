/* 301, 302 and 313; see extension_live.h. */
#include "services/gateway/dialect/extension_live.h"

#include "services/gateway/dialect/answer.h"
#include "services/gateway/dialect/json.h"

void extension_read_cursor(struct reading *reading) {
    reading_peer(reading);
    reading_cid(reading);
}

void extension_read_typing(struct reading *reading) {
    reading_peer(reading);
    if (!reading->request->group.present && !reading->request->person.present)
        reading_fail(reading, "peer.user must be an account, and not SYSTEM");
}

static void write_peer(const struct dialect_form *form, const struct entry *entry, uint64_t account,
                       struct buffer *out) {
    /* For its own notices the account reads its own id. */
    const struct dialect_account viewer = {account, entry->from_id};
    answer_write_peer(form->string_ids, entry, &viewer, out);
}

static void write_user(const struct dialect_form *form, const struct entry *entry,
                       struct buffer *out) {
    json_raw(out, ",\"user\":");
    json_id(out, form->string_ids, entry->from, entry->from_id);
}

void extension_write_cursor(const struct dialect_form *form, const struct entry *entry,
                            uint64_t account, struct buffer *out) {
    write_peer(form, entry, account, out);
    json_raw(out, ",\"cid\":");
    json_number(out, entry->target);
    if (entry->from != account)
        write_user(form, entry, out);
}

void extension_write_typing(const struct dialect_form *form, const struct entry *entry,
                            uint64_t account, struct buffer *out) {
    write_peer(form, entry, account, out);
    write_user(form, entry, out);
}
