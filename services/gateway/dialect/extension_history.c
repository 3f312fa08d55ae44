/* 303 and 331: reading and searching old messages; see extension_history.h. */
#include "services/gateway/dialect/extension_history.h"

#include "common/unicode.h"
#include "services/gateway/dialect/answer.h"
#include "services/gateway/dialect/entry_list.h"
#include "services/gateway/dialect/json.h"

static void read_place(struct reading *reading, const char *name, uint64_t *cid_r) {
    if (field_given(reading->body, name))
        reading_whole(reading, reading->body, name, 1, NUMBER_LIMIT - 1, cid_r);
}

void extension_read_history(struct reading *reading) {
    struct dialect_request *request = reading->request;
    reading_peer(reading);
    read_place(reading, "before", &request->before);
    read_place(reading, "after", &request->after);
    read_place(reading, "around", &request->around);
    if ((request->before != 0) + (request->after != 0) + (request->around != 0) > 1)
        reading_fail(reading, "only one of before, after and around may be given");
    if (field_given(reading->body, "limit"))
        reading_whole(reading, reading->body, "limit", 1, LIST_MAX, &request->limit);
}

/* `from` and `to` are where the client goes on, whatever of it is shown. */
void extension_write_history(const struct dialect_form *form, const struct dialect_account *self,
                             const struct dialect_request *request,
                             const struct dialect_result *result, struct buffer *out) {
    const struct delivery_history_reply *reply = result->reply;
    const struct slice_list *entries = &reply->entries;
    size_t place = request->after != 0    ? 0
                   : request->around != 0 ? entry_list_place(entries, request->around)
                                          : entries->count;
    answer_write_asked_peer(form->string_ids, request, out);
    json_raw(out, ",\"messages\":");
    struct entry_span span = entry_list_write(form, self, entries, place, out);
    if (span.first_cid != 0) {
        json_raw(out, ",\"from\":");
        json_number(out, span.first_cid);
        json_raw(out, ",\"to\":");
        json_number(out, span.last_cid);
    }
    json_raw(out, reply->more || span.cut ? ",\"more\":true" : ",\"more\":false");
}

void extension_read_search(struct reading *reading) {
    struct dialect_request *request = reading->request;
    reading_text(reading, reading->body, "text", 0, &request->text);
    size_t count = unicode_count(request->text);
    if (reading->err == ERR_OK && (count < SEARCH_LEAST || count > SEARCH_MOST))
        reading_fail(reading, "text must have %d to %d characters", SEARCH_LEAST, SEARCH_MOST);
    request->everywhere = !field_given(reading->body, "peer");
    if (!request->everywhere)
        reading_peer(reading);
    read_place(reading, "before", &request->before);
}

/* Where not all fits, the search goes on behind the last one that does. */
void extension_write_search(const struct dialect_form *form, const struct dialect_account *self,
                            const struct dialect_request *request,
                            const struct dialect_result *result, struct buffer *out) {
    const struct delivery_search_reply *reply = result->reply;
    (void)request;
    json_raw(out, "\"messages\":");
    struct entry_span span = entry_list_write(form, self, &reply->entries, 0, out);
    uint64_t before = span.cut ? span.last_cid : reply->before;
    if (before != 0) {
        json_raw(out, ",\"before\":");
        json_number(out, before);
    }
    json_raw(out, before != 0 ? ",\"more\":true" : ",\"more\":false");
}
