/*
 * The YouIM dialect: requests are `{"msgType":..,"msgBody":{..}}`, answers are flat objects, ids
 * are strings; see dialect.h.
 */
#include "services/gateway/dialect_private.h"

/* --- requests -------------------------------------------------------------------------------- */

/* The two that every request of a logged-in client has. */
static void read_actor(struct reading *reading, const char *name) {
    struct client_request *request = reading->request;
    reading_text(reading, reading->body, "token", 0, &request->token);
    request->token_given = request->token.length > 0;
    reading_string_id(reading, reading->body, name, &request->actor);
}

/* An account's id and, since the protocol itself knows none, an optional password. */
static void read_credentials(struct reading *reading, const char *name) {
    struct client_request *request = reading->request;
    struct client_id id = {.present = false};
    reading_string_id(reading, reading->body, name, &id);
    reading_login(reading, reading->body, name, ID_MAX_BYTES, &request->account);
    if (field_given(reading->body, "password"))
        reading_text(reading, reading->body, "password", PASSWORD_MAX_BYTES, &request->password);
}

static void read_login(struct reading *reading) { read_credentials(reading, "loginUserId"); }

static void read_registration(struct reading *reading) { read_credentials(reading, "userId"); }

static void read_message(struct reading *reading) {
    struct client_request *request = reading->request;
    read_actor(reading, "fromUserId");
    request->peer_kind = PEER_USER;
    reading_string_id(reading, reading->body, "toUserId", &request->peer);
    reading_text(reading, reading->body, "msg", 0, &request->text);
}

static void read_group_message(struct reading *reading) {
    struct client_request *request = reading->request;
    read_actor(reading, "fromUserId");
    request->peer_kind = PEER_GROUP;
    reading_string_id(reading, reading->body, "toGroup", &request->peer);
    reading_text(reading, reading->body, "msg", 0, &request->text);
}

static void read_logout(struct reading *reading) { read_actor(reading, "logoutUserId"); }

static void read_group(struct reading *reading) {
    read_actor(reading, "ownerId");
    reading_string_id(reading, reading->body, "groupId", &reading->request->group);
}

static const struct request_row rows[] = {
    {1, OPERATION_LOGIN, false, read_login},
    {5, OPERATION_SEND, true, read_message},
    {7, OPERATION_SEND, true, read_group_message},
    {9, OPERATION_LOGOUT, true, read_logout},
    {99, OPERATION_HEARTBEAT, false, NULL},
    {113, OPERATION_REGISTER, false, read_registration},
    {114, OPERATION_CREATE_GROUP, true, read_group},
};

/* --- answers --------------------------------------------------------------------------------- */

static void write_answer(const struct client_request *request, const struct client_result *result,
                         struct buffer *out) {
    bool ok = result->err == ERR_OK;
    if (request->operation == OPERATION_LOGIN) {
        json_raw(out, "{\"msgType\":2,\"resultCode\":");
        json_raw(out, ok ? "\"success\"" : "\"fail\"");
        json_raw(out, ",\"token\":");
        json_text(out, ok ? result->token : result_reason(result));
        json_raw(out, "}");
    } else if (request->operation == OPERATION_LOGOUT && ok) {
        json_raw(out, "{\"msgType\":10}");
    }
}

static void write_fault(const struct client_account *self, struct slice reason, uint64_t time_ms,
                        struct buffer *out) {
    (void)self;
    (void)time_ms;
    json_raw(out, "{\"msg\":");
    json_text(out, reason);
    json_raw(out, ",\"msgType\":101,\"fromUserId\":\"SYSTEM\"}");
}

static void write_300(const struct client_request *request, const struct client_result *result,
                      struct buffer *out) {
    json_raw(out, "{\"msgType\":300,");
    write_result_fields(request, result, out);
    json_raw(out, "}");
}

/* --- entries --------------------------------------------------------------------------------- */

static enum dialect_view entry_view(const struct entry *entry, uint64_t account) {
    enum conversation_kind kind = conversation_kind(entry->conversation);
    bool shown = false;
    if (entry->type == ENTRY_TEXT) /* a 6 doesn't say to whom, so it would puzzle its sender */
        shown = kind == CONVERSATION_GROUP || (kind == CONVERSATION_PAIR && account != entry->from);
    else if (entry->type == ENTRY_JOINED)
        shown = kind == CONVERSATION_GROUP;
    return shown ? DIALECT_VIEW_COMMON : DIALECT_VIEW_NOTHING;
}

/* 6 and 8. */
static void write_text(const struct entry *entry, struct buffer *out) {
    bool group = conversation_kind(entry->conversation) == CONVERSATION_GROUP;
    json_raw(out, "{\"msg\":");
    json_text(out, entry->text);
    json_raw(out, group ? ",\"msgType\":8,\"fromUserId\":" : ",\"msgType\":6,\"fromUserId\":");
    json_id(out, entry->from, entry->from_id);
    if (group) {
        json_raw(out, ",\"toGroup\":");
        json_id(out, entry->to, entry->to_id);
    }
}

static void write_entry(bool ext, const struct entry *entry, struct buffer *out) {
    if (entry->type == ENTRY_JOINED) {
        json_raw(out, "{\"msgType\":4,\"confirmResult\":");
        json_raw(out, entry->accepted ? "true" : "false");
        json_raw(out, ",\"groupId\":");
        json_id(out, entry->to, entry->to_id);
        json_raw(out, ",\"toUserId\":");
        json_id(out, entry->subject, entry->subject_id);
    } else {
        write_text(entry, out);
    }
    if (ext)
        json_extension(out, entry);
    json_raw(out, "}");
}

const struct dialect_form dialect_form_youim = {
    .number_key = "msgType",
    .body_key = "msgBody",
    .rows = rows,
    .row_count = sizeof rows / sizeof rows[0],
    .write_answer = write_answer,
    .write_fault = write_fault,
    .write_300 = write_300,
    .entry_view = entry_view,
    .write_entry = write_entry,
};
