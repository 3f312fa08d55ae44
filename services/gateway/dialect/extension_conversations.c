/* 305 and 306: which conversations there are; see extension_conversations.h. */
#include "services/gateway/dialect/extension_conversations.h"

#include "proto/conversation.h"
#include "services/gateway/dialect/entry_list.h"
#include "services/gateway/dialect/json.h"
#include "services/gateway/dialect/shown_file.h"

/* no limit: an object may be longer than the list; it is cut off again */
#define ROOM_BYTES ((size_t)2 * (LIST_MAX_BYTES + 6 * TEXT_MAX_BYTES))
/* no limit: what is left of LIST_MAX_BYTES for the other fields of an answer */
#define OTHER_FIELDS_BYTES 2048

void extension_read_conversations(struct reading *reading) {
    struct dialect_request *request = reading->request;
    if (field_given(reading->body, "before"))
        reading_whole(reading, reading->body, "before", 1, NUMBER_LIMIT - 1, &request->before);
    if (field_given(reading->body, "limit"))
        reading_whole(reading, reading->body, "limit", 1, LIST_MAX, &request->limit);
}

static void write_number(struct buffer *out, const char *key, uint64_t number) {
    json_raw(out, key);
    json_number(out, number);
}

static void write_text(struct buffer *out, const char *key, struct slice text) {
    if (text.length == 0)
        return;
    json_raw(out, key);
    json_text(out, text);
}

static void write_peer(const struct dialect_form *form, const struct dialect_account *self,
                       const struct overview *item, struct buffer *out) {
    bool group = conversation_kind(item->conversation) == CONVERSATION_GROUP;
    json_raw(out, group ? "{\"peer\":{\"group\":" : "{\"peer\":{\"user\":");
    json_id(out, form->string_ids, item->peer,
            item->peer == self->number && !group ? self->id : item->peer_id);
    json_raw(out, "}");
}

static void write_last(const struct dialect_form *form, const struct dialect_account *self,
                       const struct overview *item, struct buffer *out) {
    static const char key[] = ",\"last\":";
    size_t before = out->length;
    json_raw(out, key);
    if (item->last.length == 0 || !entry_list_write_one(form, self, item->last, out))
        out->length = before;
}

static void write_conversation(const struct dialect_form *form, const struct dialect_account *self,
                               const struct overview *item, struct buffer *out) {
    write_peer(form, self, item, out);
    write_text(out, ",\"name\":", item->name);
    if (item->avatar.length > 0)
        shown_file_write_avatar(",\"avatar\":", item->avatar, form, out);
    write_number(out, ",\"cid\":", item->cid);
    write_last(form, self, item, out);
    write_number(out, ",\"unread\":", item->unread);
    write_number(out, ",\"mentions\":", item->mentions);
    write_number(out, ",\"received\":", item->received);
    write_number(out, ",\"read\":", item->seen);
    write_number(out, ",\"muted_until\":", item->quiet_until_ms);
    json_raw(out, "}");
}

/* Only here it is known how long a text is as JSON: the list ends where the next would not fit. */
void extension_write_conversations(const struct dialect_form *form,
                                   const struct dialect_account *self,
                                   const struct dialect_request *request,
                                   const struct dialect_result *result, struct buffer *out) {
    const struct delivery_conversations_reply *reply = result->reply;
    const struct overview *items = reply->conversations.items;
    struct buffer list = buffer_make(ROOM_BYTES);
    size_t count = 0;
    (void)request;
    for (; count < reply->conversations.count; count++) {
        size_t before = list.length;
        json_raw(&list, count == 0 ? "" : ",");
        write_conversation(form, self, &items[count], &list);
        if (count > 0 && list.length > LIST_MAX_BYTES - OTHER_FIELDS_BYTES) {
            list.length = before;
            break;
        }
    }
    json_raw(out, "\"conversations\":[");
    buffer_add(out, list.data, list.length);
    bool more = reply->more || count < reply->conversations.count;
    json_raw(out, more ? "],\"more\":true" : "],\"more\":false");
    out->failed = out->failed || list.failed;
    buffer_free(&list);
}
