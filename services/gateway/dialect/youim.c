/*
 * The YouIM dialect: requests are `{"msgType":..,"msgBody":{..}}`, answers are flat objects, ids
 * are strings; see dialect.h.
 */
#include "services/gateway/dialect/youim.h"

#include "proto/conversation.h"
#include "proto/ids.h"
#include "services/gateway/dialect/answer.h"
#include "services/gateway/dialect/json.h"
#include "services/gateway/dialect/notice.h"
#include "services/gateway/dialect/shown_file.h"

/* --- requests -------------------------------------------------------------------------------- */

/* The two that every request of a logged-in client has. */
static void read_actor(struct reading *reading, const char *name) {
    struct dialect_request *request = reading->request;
    reading_text(reading, reading->body, "token", 0, &request->token);
    request->token_given = request->token.length > 0;
    reading_string_id(reading, reading->body, name, &request->actor);
}

/* An account's id and, since the protocol itself knows none, an optional password. */
static void read_credentials(struct reading *reading, const char *name,
                             void (*read_id)(struct reading *reading, const cJSON *object,
                                             const char *name, struct dialect_id *id_r)) {
    struct dialect_request *request = reading->request;
    struct dialect_id id = {.present = false};
    read_id(reading, reading->body, name, &id);
    if (id.text.length > 0)
        request->account = id.text;
    else
        reading_login(reading, reading->body, name, ID_MAX_BYTES, &request->account);
    if (field_given(reading->body, "password"))
        reading_text(reading, reading->body, "password", PASSWORD_MAX_BYTES, &request->password);
}

static void read_login(struct reading *reading) {
    if (!reading_jwt(reading) || field_given(reading->body, "loginUserId"))
        read_credentials(reading, "loginUserId", reading_string_id);
}

static void read_registration(struct reading *reading) {
    read_credentials(reading, "userId", reading_new_id);
    reading_registration_token(reading);
}

/* A client that opted in may show a file beside the words, or without any. */
static void read_words(struct reading *reading) {
    if (reading->ext && field_given(reading->body, "file"))
        shown_file_read(reading, FILE_NONE);
    else
        reading_text(reading, reading->body, "msg", TEXT_MAX_BYTES, &reading->request->text);
    reading_references(reading);
}

static void read_message(struct reading *reading) {
    struct dialect_request *request = reading->request;
    read_actor(reading, "fromUserId");
    request->recipient_kind = RECIPIENT_USER;
    reading_string_id(reading, reading->body, "toUserId", &request->recipient);
    read_words(reading);
}

static void read_group_message(struct reading *reading) {
    struct dialect_request *request = reading->request;
    read_actor(reading, "fromUserId");
    request->recipient_kind = RECIPIENT_GROUP;
    reading_string_id(reading, reading->body, "toGroup", &request->recipient);
    read_words(reading);
}

static void read_logout(struct reading *reading) { read_actor(reading, "logoutUserId"); }

static void read_group(struct reading *reading) {
    read_actor(reading, "ownerId");
    reading_string_id(reading, reading->body, "groupId", &reading->request->group);
}

static void read_new_group(struct reading *reading) {
    read_actor(reading, "ownerId");
    reading_new_id(reading, reading->body, "groupId", &reading->request->group);
}

/* 3 and 11. */
static void read_own_membership(struct reading *reading) {
    read_actor(reading, "fromUserId");
    reading_string_id(reading, reading->body, "groupId", &reading->request->group);
}

/* 13 and 15. */
static void read_friend(struct reading *reading) {
    read_actor(reading, "fromUserId");
    reading_string_id(reading, reading->body, "toUserId", &reading->request->person);
}

static void read_friend_answer(struct reading *reading) {
    read_friend(reading);
    reading_flag(reading, reading->body, "confirmResult", &reading->request->accept);
}

static void read_join_answer(struct reading *reading) {
    read_actor(reading, "handleAdministratorId");
    reading_string_id(reading, reading->body, "groupId", &reading->request->group);
    reading_string_id(reading, reading->body, "toUserId", &reading->request->person);
    reading_flag(reading, reading->body, "confirmResult", &reading->request->accept);
}

/* The protocol's document spells the key so in the request, and toUserId in the notice. */
static void read_removal(struct reading *reading) {
    bool plain = !field_given(reading->body, "toUSerId") && field_given(reading->body, "toUserId");
    read_actor(reading, "fromAdministratorId");
    reading_string_id(reading, reading->body, "fromGroupId", &reading->request->group);
    reading_string_id(reading, reading->body, plain ? "toUserId" : "toUSerId",
                      &reading->request->person);
}

static void read_role(struct reading *reading, const char *person) {
    read_actor(reading, "ownerId");
    reading_string_id(reading, reading->body, "groupId", &reading->request->group);
    reading_string_id(reading, reading->body, person, &reading->request->person);
}

static void read_new_admin(struct reading *reading) {
    read_role(reading, "toUserId");
    reading->request->accept = true;
}

static void read_former_admin(struct reading *reading) { read_role(reading, "fromUserId"); }

static const struct request_row rows[] = {
    {1, OPERATION_LOGIN, NEEDS_NOTHING, read_login},
    {3, OPERATION_JOIN, NEEDS_LOGIN, read_own_membership},
    {5, OPERATION_SEND, NEEDS_LOGIN, read_message},
    {7, OPERATION_SEND, NEEDS_LOGIN, read_group_message},
    {9, OPERATION_LOGOUT, NEEDS_LOGIN, read_logout},
    {11, OPERATION_LEAVE, NEEDS_LOGIN, read_own_membership},
    {13, OPERATION_BEFRIEND, NEEDS_LOGIN, read_friend},
    {15, OPERATION_UNFRIEND, NEEDS_LOGIN, read_friend},
    {17, OPERATION_REMOVE_MEMBER, NEEDS_LOGIN, read_removal},
    {19, OPERATION_SET_ADMIN, NEEDS_LOGIN, read_new_admin},
    {21, OPERATION_SET_ADMIN, NEEDS_LOGIN, read_former_admin},
    {99, OPERATION_HEARTBEAT, NEEDS_NOTHING, NULL},
    {104, OPERATION_ANSWER_FRIEND, NEEDS_LOGIN, read_friend_answer},
    {106, OPERATION_ANSWER_JOIN, NEEDS_LOGIN, read_join_answer},
    {111, OPERATION_DISSOLVE, NEEDS_LOGIN, read_group},
    {113, OPERATION_REGISTER, NEEDS_NOTHING, read_registration},
    {114, OPERATION_CREATE_GROUP, NEEDS_LOGIN, read_new_group},
};

/* --- answers --------------------------------------------------------------------------------- */

static void open_object(struct buffer *out, uint64_t number, uint64_t time_ms) {
    (void)time_ms;
    json_raw(out, "{\"msgType\":");
    json_number(out, number);
    json_raw(out, ",");
}

static void close_object(struct buffer *out) { json_raw(out, "}"); }

static void write_answer(bool ext, const struct dialect_request *request,
                         const struct dialect_result *result, struct buffer *out) {
    bool ok = result->err == ERR_OK;
    if (operation_logs_in(request->operation)) {
        json_raw(out, "{\"msgType\":2,\"resultCode\":");
        json_raw(out, ok ? "\"success\"" : "\"fail\"");
        json_raw(out, ",\"token\":");
        json_text(out, ok ? result->token : answer_reason(result));
        if (ok && ext) {
            answer_write_epoch(result, out);
            json_raw(out, ",\"user\":");
            json_text(out, result->account_id);
        }
        json_raw(out, "}");
    } else if (request->operation == OPERATION_LOGOUT && ok) {
        json_raw(out, "{\"msgType\":10}");
    }
}

static void write_fault(const struct dialect_account *self, struct slice reason, uint64_t time_ms,
                        struct buffer *out) {
    (void)self;
    (void)time_ms;
    json_raw(out, "{\"msg\":");
    json_text(out, reason);
    json_raw(out, ",\"msgType\":101,\"fromUserId\":\"SYSTEM\"}");
}

/* --- entries --------------------------------------------------------------------------------- */

#define FIELD(key_, value_)                                                                        \
    { key_, value_, false }

static const struct notice_row notices[] = {
    {.type = ENTRY_JOINED,
     .number = 4,
     .fields = {FIELD("confirmResult", NOTICE_ANSWER), FIELD("groupId", NOTICE_TO),
                FIELD("toUserId", NOTICE_SUBJECT)}},
    {.type = ENTRY_JOIN_REFUSED,
     .number = 4,
     .fields = {FIELD("confirmResult", NOTICE_ANSWER), FIELD("groupId", NOTICE_TO),
                FIELD("toUserId", NOTICE_SUBJECT)}},
    {.type = ENTRY_LEFT,
     .number = 12,
     .fields = {FIELD("fromUserId", NOTICE_SUBJECT), FIELD("groupId", NOTICE_TO)}},
    {.type = ENTRY_FRIEND_ANSWER,
     .number = 14,
     .fields = {FIELD("fromUserId", NOTICE_FROM), FIELD("confirmResult", NOTICE_ANSWER),
                FIELD("toUserId", NOTICE_SUBJECT)}},
    {.type = ENTRY_FRIEND_REMOVED,
     .number = 16,
     .fields = {FIELD("fromUserId", NOTICE_FROM), FIELD("toUserId", NOTICE_SUBJECT)}},
    {.type = ENTRY_REMOVED,
     .number = 18,
     .fields = {FIELD("fromGroupId", NOTICE_TO), FIELD("fromAdministratorUserId", NOTICE_FROM),
                FIELD("toUserId", NOTICE_SUBJECT)}},
    {.type = ENTRY_ADMIN_ADDED,
     .number = 20,
     .fields = {FIELD("groupId", NOTICE_TO), FIELD("ownerId", NOTICE_FROM),
                FIELD("toUserId", NOTICE_SUBJECT)}},
    {.type = ENTRY_ADMIN_REMOVED,
     .number = 22,
     .fields = {FIELD("fromUserId", NOTICE_SUBJECT), FIELD("groupId", NOTICE_TO),
                FIELD("ownerId", NOTICE_FROM)}},
    {.type = ENTRY_FRIEND_REQUEST, .number = 103, .fields = {FIELD("fromUserId", NOTICE_FROM)}},
    {.type = ENTRY_JOIN_REQUEST,
     .number = 105,
     .fields = {FIELD("fromUserId", NOTICE_SUBJECT), FIELD("groupId", NOTICE_TO)}},
    {.type = ENTRY_FRIEND_ONLINE, .number = 107, .fields = {FIELD("friendId", NOTICE_SUBJECT)}},
    {.type = ENTRY_FRIEND_OFFLINE, .number = 108, .fields = {FIELD("friendId", NOTICE_SUBJECT)}},
    {.type = ENTRY_MEMBER_ONLINE,
     .number = 109,
     .fields = {FIELD("groupId", NOTICE_TO), FIELD("userId", NOTICE_SUBJECT)}},
    {.type = ENTRY_MEMBER_OFFLINE,
     .number = 110,
     .fields = {FIELD("groupId", NOTICE_TO), FIELD("userId", NOTICE_SUBJECT)}},
    {.type = ENTRY_DISSOLVED, .number = 112, .fields = {FIELD("groupId", NOTICE_TO)}},
};

static const struct notice_row *find_notice(const struct entry *entry) {
    return notice_find(notices, sizeof notices / sizeof notices[0], entry);
}

/* Lists show recalled ones, too, without their words. */
static bool is_text(const struct entry *entry) {
    return entry->type == ENTRY_TEXT || entry->type == ENTRY_RECALLED_TEXT;
}

/* The msgType that shows a message: 6 and 8, or SYSTEM's by its recipient; 0: it is not shown. */
static uint64_t message_number(const struct entry *entry) {
    static const uint64_t texts[] = {[CONVERSATION_PAIR] = 6, [CONVERSATION_GROUP] = 8, 0, 0};
    static const uint64_t system[] = {[CONVERSATION_PAIR] = 0,
                                      [CONVERSATION_GROUP] = 102,
                                      [CONVERSATION_SELF] = 101,
                                      [CONVERSATION_BROADCAST] = 100};
    enum conversation_kind kind = conversation_kind(entry->conversation);
    return is_text(entry) ? texts[kind] : entry->type == ENTRY_SYSTEM ? system[kind] : 0;
}

static enum dialect_view entry_view(bool ext, const struct entry *entry, uint64_t account) {
    uint64_t number = message_number(entry);
    if (entry->type == ENTRY_RECALLED_TEXT)
        return DIALECT_VIEW_NOTHING;
    if (number == 6 && account == entry->from) /* only with `ext` a 6 names its recipient */
        return ext ? DIALECT_VIEW_OWN : DIALECT_VIEW_NOTHING;
    return number != 0 ? DIALECT_VIEW_COMMON : notice_view(find_notice(entry), ext, entry, account);
}

static void write_message(const struct dialect_form *form, bool ext, uint64_t number,
                          const struct entry *entry, uint64_t account, struct buffer *out) {
    struct shown_file shown;
    bool file = shown_file_open(&shown, entry);
    json_raw(out, "{\"msg\":");
    if (file && !ext)
        shown_file_write_words(&shown.file, form, entry->text, out);
    else
        json_text(out, entry->text);
    if (file && ext) {
        json_raw(out, ",\"file\":");
        shown_file_write_kind(&shown.file, form, out);
    }
    if (file)
        shown_file_close(&shown);
    json_raw(out, ",\"msgType\":");
    json_number(out, number);
    json_raw(out, ",\"fromUserId\":");
    json_string_id(out, entry->from, entry->from_id);
    if (conversation_kind(entry->conversation) == CONVERSATION_GROUP) {
        json_raw(out, ",\"toGroup\":");
        json_string_id(out, entry->to, entry->to_id);
    } else if (number == 6 && account == entry->from) {
        json_raw(out, ",\"toUserId\":");
        json_string_id(out, entry->to, entry->to_id);
    }
}

static void write_entry(const struct dialect_form *form, bool ext, const struct entry *entry,
                        uint64_t account, struct buffer *out) {
    uint64_t number = message_number(entry);
    const struct notice_row *row = number == 0 ? find_notice(entry) : NULL;
    if (number != 0) {
        write_message(form, ext, number, entry, account, out);
        if (ext)
            answer_write_text_fields(true, entry, out);
    } else if (row != NULL) {
        open_object(out, notice_number(row, entry), entry->time_ms);
        notice_write_fields(row, ext, true, entry, out);
    } else {
        return;
    }
    if (ext)
        answer_write_place(entry, out);
    close_object(out);
}

const struct dialect_form dialect_form_youim = {
    .number_key = "msgType",
    .body_key = "msgBody",
    .string_ids = true,
    .requests_have_token = true,
    .read_id = reading_string_id,
    .open = open_object,
    .close = close_object,
    .rows = rows,
    .row_count = sizeof rows / sizeof rows[0],
    .write_answer = write_answer,
    .write_fault = write_fault,
    .entry_view = entry_view,
    .write_entry = write_entry,
};
