/*
 * The OurChat dialect: `{"code":..,"time":..,"data":{..}}`, ids are integers; see dialect.h.
 *
 * Its own codes are 0 to 12. For everything else, clients that opted in use the numbers of the
 * YouIM dialect plus 100. There, `ocid` is the person that acts or acted (or is online now),
 * `target_ocid` is the person concerned, `group_id` the group:
 *
 *     C 111 leave a group      group_id, ocid                  S 112
 *     C 115 end a friendship   ocid, target_ocid               S 116
 *     C 117 remove a member    group_id, ocid, target_ocid     S 118
 *     C 119 make an admin      group_id, ocid, target_ocid     S 120
 *     C 121 unmake an admin    group_id, ocid, target_ocid     S 122
 *     C 199 heartbeat          no data
 *     C 211 dissolve a group   group_id, ocid                  S 212
 *     S 207, 208 a friend, 209, 210 a member of a group came online, went offline
 *
 * The notices have the same fields as the requests. Numbers from 300 on are the same in both
 * dialects.
 */
#include "services/gateway/dialect/ourchat.h"

#include "proto/conversation.h"
#include "services/gateway/dialect/answer.h"
#include "services/gateway/dialect/json.h"
#include "services/gateway/dialect/notice.h"
#include "services/gateway/dialect/shown_file.h"

/* limit: client | `account` in the login of OurChat | {LOGIN_MAX_BYTES} | state 1 */
/* Longest e-mail address, which is longer than any number. */
#define LOGIN_MAX_BYTES 254

/* --- requests -------------------------------------------------------------------------------- */

/* Who writes to whom. */
static void read_envelope(struct reading *reading) {
    struct dialect_request *request = reading->request;
    const cJSON *sender = reading_object(reading, reading->body, "sender");
    reading_number_id(reading, sender, "sender.ocid", &request->actor);
    bool to_group = field_given(sender, "group_id");
    if (to_group == field_given(sender, "private_id"))
        reading_fail(reading, "sender needs exactly one of group_id and private_id");
    request->recipient_kind = to_group ? RECIPIENT_GROUP : RECIPIENT_USER;
    reading_number_id(reading, sender, to_group ? "sender.group_id" : "sender.private_id",
                      &request->recipient);
}

static void read_message(struct reading *reading) {
    read_envelope(reading);
    reading_text(reading, reading->body, "msg", TEXT_MAX_BYTES, &reading->request->text);
    reading_references(reading);
}

/* 1 to 3, which are the kinds. */
static void read_file(struct reading *reading) {
    read_envelope(reading);
    shown_file_read(reading, (enum file_kind)reading->request->number);
    reading_references(reading);
}

static void read_registration(struct reading *reading) {
    struct dialect_request *request = reading->request;
    reading_email(reading, reading->body, "email", &request->email);
    reading_text(reading, reading->body, "password", PASSWORD_MAX_BYTES, &request->password);
    reading_name(reading, reading->body, "name", &request->name);
    reading_registration_token(reading);
}

static void read_login(struct reading *reading) {
    struct dialect_request *request = reading->request;
    if (reading_jwt(reading)) {
        if (field_given(reading->body, "account"))
            reading_login(reading, reading->body, "account", LOGIN_MAX_BYTES, &request->account);
        return;
    }
    reading_login(reading, reading->body, "account", LOGIN_MAX_BYTES, &request->account);
    reading_text(reading, reading->body, "password", PASSWORD_MAX_BYTES, &request->password);
}

static void read_group(struct reading *reading) {
    reading_number_id(reading, reading->body, "ocid", &reading->request->actor);
    reading_name(reading, reading->body, "group_name", &reading->request->name);
}

static void read_id(struct reading *reading, const char *name, struct dialect_id *id) {
    reading_number_id(reading, reading->body, name, id);
}

/* Whether 9 or 10 is about a group, and not about friendship with a person. */
static bool is_about_group(struct reading *reading) {
    bool group = field_given(reading->body, "group_id");
    if (group == field_given(reading->body, "add_ocid"))
        reading_fail(reading, "data needs exactly one of group_id and add_ocid");
    return group;
}

/* 9: `ocid` asks. */
static void read_asking(struct reading *reading) {
    struct dialect_request *request = reading->request;
    bool group = is_about_group(reading);
    request->operation = group ? OPERATION_JOIN : OPERATION_BEFRIEND;
    read_id(reading, "ocid", &request->actor);
    if (group)
        read_id(reading, "group_id", &request->group);
    else
        read_id(reading, "add_ocid", &request->person);
}

/* 10: yes to `ocid`, whose request it was; `add_ocid` is the person that was asked. */
static void read_acceptance(struct reading *reading) {
    struct dialect_request *request = reading->request;
    bool group = is_about_group(reading);
    request->operation = group ? OPERATION_ADMIT : OPERATION_ANSWER_FRIEND;
    request->accept = true;
    if (group)
        read_id(reading, "group_id", &request->group);
    else
        read_id(reading, "add_ocid", &request->actor);
    read_id(reading, "ocid", &request->person);
}

/* 11: no to `ocid`. The protocol's document knows no `add_ocid` here. */
static void read_refusal(struct reading *reading) {
    struct dialect_request *request = reading->request;
    bool group = field_given(reading->body, "group_id");
    request->operation = group ? OPERATION_ANSWER_JOIN : OPERATION_ANSWER_FRIEND;
    if (group && field_given(reading->body, "add_ocid"))
        (void)is_about_group(reading); /* fails */
    if (group)
        read_id(reading, "group_id", &request->group);
    else if (field_given(reading->body, "add_ocid"))
        read_id(reading, "add_ocid", &request->actor);
    read_id(reading, "ocid", &request->person);
}

/* 12: of a group, or else of oneself. The document's table calls the name `group_name`. */
static void read_renaming(struct reading *reading) {
    struct dialect_request *request = reading->request;
    bool group = field_given(reading->body, "group_id");
    bool table = !field_given(reading->body, "name") && field_given(reading->body, "group_name");
    request->operation = group ? OPERATION_RENAME_GROUP : OPERATION_RENAME_SELF;
    if (group)
        read_id(reading, "group_id", &request->group);
    else
        read_id(reading, "ocid", &request->actor);
    reading_name(reading, reading->body, table ? "group_name" : "name", &request->name);
}

/* 111 and 211. */
static void read_own_group(struct reading *reading) {
    read_id(reading, "group_id", &reading->request->group);
    read_id(reading, "ocid", &reading->request->actor);
}

static void read_friend(struct reading *reading) {
    read_id(reading, "ocid", &reading->request->actor);
    read_id(reading, "target_ocid", &reading->request->person);
}

/* 117 and 121. */
static void read_member(struct reading *reading) {
    read_id(reading, "group_id", &reading->request->group);
    read_friend(reading);
}

static void read_new_admin(struct reading *reading) {
    read_member(reading);
    reading->request->accept = true;
}

static const struct request_row rows[] = {
    {0, OPERATION_SEND, NEEDS_LOGIN, read_message},
    {FILE_STICKER, OPERATION_SEND, NEEDS_LOGIN, read_file},
    {FILE_IMAGE, OPERATION_SEND, NEEDS_LOGIN, read_file},
    {FILE_PLAIN, OPERATION_SEND, NEEDS_LOGIN, read_file},
    {4, OPERATION_REGISTER, NEEDS_NOTHING, read_registration},
    {6, OPERATION_LOGIN, NEEDS_NOTHING, read_login},
    {8, OPERATION_CREATE_GROUP, NEEDS_LOGIN, read_group},
    {9, OPERATION_NONE, NEEDS_LOGIN, read_asking},
    {10, OPERATION_NONE, NEEDS_LOGIN, read_acceptance},
    {11, OPERATION_NONE, NEEDS_LOGIN, read_refusal},
    {12, OPERATION_NONE, NEEDS_LOGIN, read_renaming},
    {111, OPERATION_LEAVE, NEEDS_LOGIN | NEEDS_EXT, read_own_group},
    {115, OPERATION_UNFRIEND, NEEDS_LOGIN | NEEDS_EXT, read_friend},
    {117, OPERATION_REMOVE_MEMBER, NEEDS_LOGIN | NEEDS_EXT, read_member},
    {119, OPERATION_SET_ADMIN, NEEDS_LOGIN | NEEDS_EXT, read_new_admin},
    {121, OPERATION_SET_ADMIN, NEEDS_LOGIN | NEEDS_EXT, read_member},
    {199, OPERATION_HEARTBEAT, NEEDS_EXT, NULL},
    {211, OPERATION_DISSOLVE, NEEDS_LOGIN | NEEDS_EXT, read_own_group},
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

/* 1: the request can never succeed; 2: it may, later. */
static uint64_t login_state(enum err err) {
    switch (err) {
    case ERR_OK:
        return 0;
    case ERR_BAD_LOGIN:
    case ERR_PASSWORD_NEEDED:
    case ERR_NO_ACCOUNT:
    case ERR_DISABLED:
    case ERR_BAD_TOKEN:
    case ERR_BAD_REQUEST:
    case ERR_JWT_OFF:
    case ERR_JWT_MALFORMED:
    case ERR_JWT_ALGORITHM:
    case ERR_JWT_KEY:
    case ERR_JWT_SIGNATURE:
    case ERR_JWT_CLAIMS:
    case ERR_JWT_EXPIRED:
    case ERR_JWT_ISSUER:
    case ERR_JWT_AUDIENCE:
    case ERR_JWT_SUBJECT:
    case ERR_OWN_LOGIN:
        return 1;
    default:
        return 2;
    }
}

/* 5 and 7. They spell the account's key differently; `token` may be empty. */
static void write_state(uint64_t code, uint64_t state, const char *key, struct slice token,
                        const struct dialect_result *result, struct buffer *out) {
    open_data(out, code, result->time_ms);
    json_raw(out, "\"state\":");
    json_number(out, state);
    if (state == 0) {
        json_raw(out, key);
        json_number(out, result->account);
    }
    if (state == 0 && token.length > 0) {
        json_raw(out, ",\"token\":");
        json_text(out, token);
        answer_write_epoch(result, out);
    }
    close_data(out);
}

static void write_new_group(const struct dialect_request *request,
                            const struct dialect_result *result, struct buffer *out) {
    open_data(out, 10, result->time_ms);
    json_raw(out, "\"group_id\":");
    json_number(out, result->group);
    json_raw(out, ",\"group_name\":");
    json_text(out, result->group_name);
    json_raw(out, ",\"ocid\":");
    json_number(out, request->actor.number);
    close_data(out);
}

static void write_answer(bool ext, const struct dialect_request *request,
                         const struct dialect_result *result, struct buffer *out) {
    const struct slice none = slice_make(NULL, 0);
    if (request->operation == OPERATION_REGISTER) {
        write_state(5, registration_state(result->err), ",\"ocId\":", none, result, out);
    } else if (operation_logs_in(request->operation)) {
        write_state(7, login_state(result->err), ",\"ocid\":", ext ? result->token : none, result,
                    out);
    } else if (request->operation == OPERATION_CREATE_GROUP && result->err == ERR_OK) {
        write_new_group(request, result, out);
    }
}

/* Up to the sender and recipient. */
static void write_envelope(uint64_t code, uint64_t time_ms, uint64_t cid, uint64_t from,
                           const char *to_key, uint64_t to, struct buffer *out) {
    open_data(out, code, time_ms);
    json_raw(out, "\"cid\":");
    json_number(out, cid);
    json_raw(out, ",\"sender\":{\"ocid\":");
    json_number(out, from);
    json_raw(out, to_key);
    json_number(out, to);
    json_raw(out, "}");
}

static void write_msg(struct slice text, struct buffer *out) {
    json_raw(out, ",\"msg\":");
    json_text(out, text);
}

static void write_fault(const struct dialect_account *self, struct slice reason, uint64_t time_ms,
                        struct buffer *out) {
    write_envelope(0, time_ms, 0, 0, ",\"private_id\":", self ? self->number : 0, out);
    write_msg(reason, out);
    close_data(out);
}

/* --- entries --------------------------------------------------------------------------------- */

#define FIELD(key_, value_)                                                                        \
    { key_, value_, false }
#define EXT_FIELD(key_, value_)                                                                    \
    { key_, value_, true }

static const struct notice_row notices[] = {
    {.type = ENTRY_FRIEND_REQUEST,
     .number = 9,
     .fields = {FIELD("add_ocid", NOTICE_SUBJECT), FIELD("ocid", NOTICE_FROM)}},
    {.type = ENTRY_JOIN_REQUEST,
     .number = 9,
     .fields = {FIELD("group_id", NOTICE_TO), FIELD("ocid", NOTICE_SUBJECT)}},
    {.type = ENTRY_JOINED,
     .number = 10,
     .seen_by = NOTICE_FOR_SUBJECT,
     .fields = {FIELD("group_id", NOTICE_TO), FIELD("group_name", NOTICE_TEXT),
                FIELD("ocid", NOTICE_SUBJECT)}},
    {.type = ENTRY_FRIEND_ANSWER,
     .number = 10,
     .number_if_no = 11,
     .fields = {FIELD("add_ocid", NOTICE_FROM), FIELD("ocid", NOTICE_SUBJECT)},
     .fields_if_no = {EXT_FIELD("add_ocid", NOTICE_FROM), FIELD("ocid", NOTICE_SUBJECT)}},
    {.type = ENTRY_JOIN_REFUSED,
     .number = 11,
     .fields = {FIELD("group_id", NOTICE_TO), FIELD("ocid", NOTICE_SUBJECT)}},
    {.type = ENTRY_GROUP_RENAMED,
     .number = 12,
     .fields = {FIELD("group_id", NOTICE_TO), FIELD("ocid", NOTICE_FROM),
                FIELD("name", NOTICE_TEXT)}},
    {.type = ENTRY_RENAMED,
     .number = 12,
     .fields = {FIELD("ocid", NOTICE_SUBJECT), FIELD("name", NOTICE_TEXT)}},
    {.type = ENTRY_LEFT,
     .number = 112,
     .seen_by = NOTICE_FOR_EXT,
     .fields = {FIELD("group_id", NOTICE_TO), FIELD("ocid", NOTICE_SUBJECT)}},
    {.type = ENTRY_FRIEND_REMOVED,
     .number = 116,
     .seen_by = NOTICE_FOR_EXT,
     .fields = {FIELD("ocid", NOTICE_FROM), FIELD("target_ocid", NOTICE_SUBJECT)}},
    {.type = ENTRY_REMOVED,
     .number = 118,
     .seen_by = NOTICE_FOR_EXT,
     .fields = {FIELD("group_id", NOTICE_TO), FIELD("ocid", NOTICE_FROM),
                FIELD("target_ocid", NOTICE_SUBJECT)}},
    {.type = ENTRY_ADMIN_ADDED,
     .number = 120,
     .seen_by = NOTICE_FOR_EXT,
     .fields = {FIELD("group_id", NOTICE_TO), FIELD("ocid", NOTICE_FROM),
                FIELD("target_ocid", NOTICE_SUBJECT)}},
    {.type = ENTRY_ADMIN_REMOVED,
     .number = 122,
     .seen_by = NOTICE_FOR_EXT,
     .fields = {FIELD("group_id", NOTICE_TO), FIELD("ocid", NOTICE_FROM),
                FIELD("target_ocid", NOTICE_SUBJECT)}},
    {.type = ENTRY_FRIEND_ONLINE,
     .number = 207,
     .seen_by = NOTICE_FOR_EXT,
     .fields = {FIELD("ocid", NOTICE_SUBJECT)}},
    {.type = ENTRY_FRIEND_OFFLINE,
     .number = 208,
     .seen_by = NOTICE_FOR_EXT,
     .fields = {FIELD("ocid", NOTICE_SUBJECT)}},
    {.type = ENTRY_MEMBER_ONLINE,
     .number = 209,
     .seen_by = NOTICE_FOR_EXT,
     .fields = {FIELD("group_id", NOTICE_TO), FIELD("ocid", NOTICE_SUBJECT)}},
    {.type = ENTRY_MEMBER_OFFLINE,
     .number = 210,
     .seen_by = NOTICE_FOR_EXT,
     .fields = {FIELD("group_id", NOTICE_TO), FIELD("ocid", NOTICE_SUBJECT)}},
    {.type = ENTRY_DISSOLVED,
     .number = 212,
     .seen_by = NOTICE_FOR_EXT,
     .fields = {FIELD("group_id", NOTICE_TO), FIELD("ocid", NOTICE_FROM)}},
};

static const struct notice_row *find_notice(const struct entry *entry) {
    return notice_find(notices, sizeof notices / sizeof notices[0], entry);
}

/* People's messages and SYSTEM's are 0s. A 0 names whom it is for: of one to all, each reader. */
static enum dialect_view message_view(const struct entry *entry) {
    bool system = entry->type == ENTRY_SYSTEM;
    switch (conversation_kind(entry->conversation)) {
    case CONVERSATION_PAIR:
        return system ? DIALECT_VIEW_NOTHING : DIALECT_VIEW_COMMON;
    case CONVERSATION_GROUP:
        return DIALECT_VIEW_COMMON;
    case CONVERSATION_SELF:
        return system ? DIALECT_VIEW_COMMON : DIALECT_VIEW_NOTHING;
    case CONVERSATION_BROADCAST:
        return system ? DIALECT_VIEW_OWN : DIALECT_VIEW_NOTHING;
    }
    return DIALECT_VIEW_NOTHING;
}

static enum dialect_view entry_view(bool ext, const struct entry *entry, uint64_t account) {
    if (entry->type == ENTRY_TEXT || entry->type == ENTRY_SYSTEM)
        return message_view(entry);
    return notice_view(find_notice(entry), ext, entry, account);
}

static uint64_t recipient(const struct entry *entry, uint64_t account) {
    switch (conversation_kind(entry->conversation)) {
    case CONVERSATION_SELF:
        return conversation_low_bits(entry->conversation);
    case CONVERSATION_BROADCAST:
        return account;
    default:
        return entry->to;
    }
}

/* A 0, or with a file the code of its kind. */
static void write_message(const struct dialect_form *form, bool ext, const struct entry *entry,
                          uint64_t account, struct buffer *out) {
    bool group = conversation_kind(entry->conversation) == CONVERSATION_GROUP;
    struct shown_file shown;
    bool file = shown_file_open(&shown, entry);
    write_envelope(file ? shown.file.kind : 0, entry->time_ms, entry->cid, entry->from,
                   group ? ",\"group_id\":" : ",\"private_id\":", recipient(entry, account), out);
    if (file) {
        json_raw(out, ",\"file\":");
        shown_file_write(&shown.file, form, ext, out);
        shown_file_close(&shown);
    }
    if (!file || entry->text.length > 0)
        write_msg(entry->text, out);
}

static void write_entry(const struct dialect_form *form, bool ext, const struct entry *entry,
                        uint64_t account, struct buffer *out) {
    const struct notice_row *row = find_notice(entry);
    if (row != NULL) {
        open_data(out, notice_number(row, entry), entry->time_ms);
        notice_write_fields(row, ext, false, entry, out);
        if (ext)
            answer_write_place(entry, out);
    } else if (entry->type == ENTRY_TEXT || entry->type == ENTRY_SYSTEM ||
               entry->type == ENTRY_RECALLED_TEXT) { /* lists show it without its words */
        write_message(form, ext, entry, account, out);
        if (ext) { /* the cid is in every copy */
            json_raw(out, ",\"time_ms\":");
            json_number(out, entry->time_ms);
            answer_write_text_fields(false, entry, out);
            if (conversation_kind(entry->conversation) == CONVERSATION_BROADCAST)
                json_raw(out, ",\"all\":true"); /* else it looks as if it were for one alone */
        }
    } else {
        return;
    }
    close_data(out);
}

const struct dialect_form dialect_form_ourchat = {
    .number_key = "code",
    .body_key = "data",
    .read_id = reading_number_id,
    .open = open_data,
    .close = close_data,
    .rows = rows,
    .row_count = sizeof rows / sizeof rows[0],
    .write_answer = write_answer,
    .write_fault = write_fault,
    .entry_view = entry_view,
    .write_entry = write_entry,
};
