/*
 * The OurChat dialect: `{"code":..,"time":..,"data":{..}}`, ids are integers; see dialect.h.
 */
#include "services/gateway/dialect_private.h"

/* Longest e-mail address, which is longer than any number. */
#define LOGIN_MAX_BYTES 254

/* --- requests -------------------------------------------------------------------------------- */

static void read_message(struct reading *reading) {
    struct client_request *request = reading->request;
    const cJSON *sender = reading_object(reading, reading->body, "sender");
    reading_number_id(reading, sender, "sender.ocid", &request->actor);
    bool to_group = field_given(sender, "group_id");
    if (to_group == field_given(sender, "private_id"))
        reading_fail(reading, "sender needs exactly one of group_id and private_id");
    request->peer_kind = to_group ? PEER_GROUP : PEER_USER;
    reading_number_id(reading, sender, to_group ? "sender.group_id" : "sender.private_id",
                      &request->peer);
    reading_text(reading, reading->body, "msg", 0, &request->text);
}

static void read_file(struct reading *reading) {
    reading_fail(reading, "sending files is not available here");
}

static void read_registration(struct reading *reading) {
    struct client_request *request = reading->request;
    reading_email(reading, reading->body, "email", &request->email);
    reading_text(reading, reading->body, "password", PASSWORD_MAX_BYTES, &request->password);
    reading_name(reading, reading->body, "name", &request->name);
}

static void read_login(struct reading *reading) {
    struct client_request *request = reading->request;
    reading_login(reading, reading->body, "account", LOGIN_MAX_BYTES, &request->account);
    reading_text(reading, reading->body, "password", PASSWORD_MAX_BYTES, &request->password);
}

static void read_group(struct reading *reading) {
    reading_number_id(reading, reading->body, "ocid", &reading->request->actor);
    reading_name(reading, reading->body, "group_name", &reading->request->name);
}

static const struct request_row rows[] = {
    {0, OPERATION_SEND, true, read_message},
    {1, OPERATION_NONE, true, read_file},
    {2, OPERATION_NONE, true, read_file},
    {3, OPERATION_NONE, true, read_file},
    {4, OPERATION_REGISTER, false, read_registration},
    {6, OPERATION_LOGIN, false, read_login},
    {8, OPERATION_CREATE_GROUP, true, read_group},
};

/* --- answers --------------------------------------------------------------------------------- */

/* Up to the inside of `data`; close_data ends what it began. */
static void open_data(struct buffer *out, uint64_t code, uint64_t time_ms) {
    json_raw(out, "{\"code\":");
    json_number(out, code);
    json_raw(out, ",\"time\":");
    json_number(out, time_ms / 1000);
    json_raw(out, ",\"data\":{");
}

static void close_data(struct buffer *out) { json_raw(out, "}}"); }

static uint64_t registration_state(enum err err) {
    return err == ERR_OK ? 0 : err == ERR_EMAIL_TAKEN ? 2 : 1;
}

/* 1: what was sent will never do; 2: it is not its fault. */
static uint64_t login_state(enum err err) {
    switch (err) {
    case ERR_OK:
        return 0;
    case ERR_BAD_LOGIN:
    case ERR_PASSWORD_NEEDED:
    case ERR_NO_ACCOUNT:
    case ERR_DISABLED:
    case ERR_BAD_REQUEST:
        return 1;
    default:
        return 2;
    }
}

/* 5 and 7. They spell the account's key differently. */
static void write_state(uint64_t code, uint64_t state, const char *key,
                        const struct client_result *result, struct buffer *out) {
    open_data(out, code, result->time_ms);
    json_raw(out, "\"state\":");
    json_number(out, state);
    if (state == 0) {
        json_raw(out, key);
        json_number(out, result->account);
    }
    close_data(out);
}

/* Up to `ocid`, who asked, was pulled in, or made the group. */
static void write_membership(uint64_t time_ms, uint64_t group, struct slice name, uint64_t ocid,
                             struct buffer *out) {
    open_data(out, 10, time_ms);
    json_raw(out, "\"group_id\":");
    json_number(out, group);
    json_raw(out, ",\"group_name\":");
    json_text(out, name);
    json_raw(out, ",\"ocid\":");
    json_number(out, ocid);
}

static void write_answer(const struct client_request *request, const struct client_result *result,
                         struct buffer *out) {
    if (request->operation == OPERATION_REGISTER) {
        write_state(5, registration_state(result->err), ",\"ocId\":", result, out);
    } else if (request->operation == OPERATION_LOGIN) {
        write_state(7, login_state(result->err), ",\"ocid\":", result, out);
    } else if (request->operation == OPERATION_CREATE_GROUP && result->err == ERR_OK) {
        write_membership(result->time_ms, result->group, result->group_name, request->actor.number,
                         out);
        close_data(out);
    }
}

/* Up to `msg`. */
static void write_message(uint64_t time_ms, uint64_t cid, uint64_t from, const char *to_key,
                          uint64_t to, struct slice text, struct buffer *out) {
    open_data(out, 0, time_ms);
    json_raw(out, "\"cid\":");
    json_number(out, cid);
    json_raw(out, ",\"sender\":{\"ocid\":");
    json_number(out, from);
    json_raw(out, to_key);
    json_number(out, to);
    json_raw(out, "},\"msg\":");
    json_text(out, text);
}

static void write_fault(const struct client_account *self, struct slice reason, uint64_t time_ms,
                        struct buffer *out) {
    write_message(time_ms, 0, 0, ",\"private_id\":", self ? self->number : 0, reason, out);
    close_data(out);
}

static void write_300(const struct client_request *request, const struct client_result *result,
                      struct buffer *out) {
    open_data(out, 300, result->time_ms);
    write_result_fields(request, result, out);
    close_data(out);
}

/* --- entries --------------------------------------------------------------------------------- */

static bool is_group(const struct entry *entry) {
    return conversation_kind(entry->conversation) == CONVERSATION_GROUP;
}

static enum dialect_view entry_view(const struct entry *entry, uint64_t account) {
    bool shown = false;
    if (entry->type == ENTRY_TEXT)
        shown = is_group(entry) || conversation_kind(entry->conversation) == CONVERSATION_PAIR;
    else if (entry->type == ENTRY_JOINED)
        shown = is_group(entry) && account == entry->subject;
    return shown ? DIALECT_VIEW_COMMON : DIALECT_VIEW_NOTHING;
}

static void write_entry(bool ext, const struct entry *entry, struct buffer *out) {
    if (entry->type == ENTRY_JOINED) {
        write_membership(entry->time_ms, entry->to, entry->text, entry->subject, out);
        if (ext)
            json_extension(out, entry);
    } else {
        write_message(entry->time_ms, entry->cid, entry->from,
                      is_group(entry) ? ",\"group_id\":" : ",\"private_id\":", entry->to,
                      entry->text, out);
        if (ext) { /* the cid is in every copy */
            json_raw(out, ",\"time_ms\":");
            json_number(out, entry->time_ms);
        }
    }
    close_data(out);
}

const struct dialect_form dialect_form_ourchat = {
    .number_key = "code",
    .body_key = "data",
    .rows = rows,
    .row_count = sizeof rows / sizeof rows[0],
    .write_answer = write_answer,
    .write_fault = write_fault,
    .write_300 = write_300,
    .entry_view = entry_view,
    .write_entry = write_entry,
};
