/* 337; see extension_people.h. */
#include "services/gateway/dialect/extension_people.h"

#include "proto/ids.h"
#include "services/gateway/dialect/answer.h"
#include "services/gateway/dialect/json.h"

/* --- 337 ----------------------------------------------------------------------------------- */

void extension_read_quiet(struct reading *reading) {
    struct dialect_request *request = reading->request;
    reading_peer(reading);
    reading_whole(reading, reading->body, "until_ms", 0, NUMBER_LIMIT - 1, &request->until_ms);
    if (!request->group.present && !request->person.present)
        reading_fail(reading, "peer.user must be a person");
}

void extension_write_quiet(const struct dialect_form *form, const struct entry *entry,
                           uint64_t account, struct buffer *out) {
    const struct dialect_account self = {.number = account};
    answer_write_peer(form->string_ids, entry, &self, out);
    json_raw(out, ",\"until_ms\":");
    json_number(out, entry->target);
}
