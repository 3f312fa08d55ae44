/* Logging in; see login.h. */
#include "services/ctl/chat/login.h"

#include <stdio.h>
#include <string.h>

/*
 * limit: tool | entries of each conversation that `chat` receives of those missed before it began |
 * {BACKLOG_ENTRIES} | the older ones are left out, with their number; /history has them
 */
#define BACKLOG_ENTRIES 100

/* A request of the login itself, which waits in no queue. Without memory nothing is sent, and the
 * server closes the connection in time. */
static void send_now(struct chat *chat, int number, const char *ref, cJSON *body) {
    struct buffer object = buffer_make(CHAT_OBJECT_MAX_BYTES + 1);
    if (body != NULL && chat_requests_write(&object, number, ref, NULL, body))
        chat_wire_send(chat->wire, object.data, object.length);
    buffer_free(&object);
    cJSON_Delete(body);
}

/* `{key: value, "ext": 1}`, with the password where there is one and it is asked for. */
static cJSON *make_body(const struct chat *chat, const char *key, const char *value,
                        bool password) {
    cJSON *body = cJSON_CreateObject();
    if (cJSON_AddStringToObject(body, key, value) != NULL &&
        cJSON_AddNumberToObject(body, "ext", 1) != NULL &&
        (!password || chat->password[0] == '\0' ||
         cJSON_AddStringToObject(body, "password", chat->password) != NULL))
        return body;
    cJSON_Delete(body);
    return NULL;
}

static cJSON *make_registration(const struct chat *chat) {
    cJSON *body = make_body(chat, "userId", chat->login, true);
    if (chat->registration_token[0] == '\0' ||
        cJSON_AddStringToObject(body, "registration_token", chat->registration_token) != NULL)
        return body;
    cJSON_Delete(body);
    return NULL;
}

void chat_login_begin(struct chat *chat) {
    bool resumes = chat->token[0] != '\0';
    cJSON *body = resumes ? make_body(chat, "token", chat->token, false)
                          : make_body(chat, "loginUserId", chat->login, true);
    chat->stage = CHAT_LOGGING_IN;
    chat->closing[0] = '\0';
    if (chat->registers)
        send_now(chat, 113, chat->register_ref, make_registration(chat));
    (void)cJSON_AddTrueToObject(body, "confirm");
    (void)cJSON_AddStringToObject(body, "device", "parleyctl chat");
    if (!chat->was_ready)
        (void)cJSON_AddNumberToObject(body, "backlog", BACKLOG_ENTRIES);
    chat_requests_make_ref(chat->login_ref);
    send_now(chat, resumes ? 317 : 1, chat->login_ref, body);
}

bool chat_login_is_busy(const char *error) {
    static const char *const busy[] = {"unavailable", "timeout", "overloaded", "unknown_outcome",
                                       "throttled"};
    for (size_t i = 0; i < sizeof busy / sizeof busy[0]; i++)
        if (strcmp(error, busy[i]) == 0)
            return true;
    return false;
}

/* The 2 that precedes the 300. */
static void take_token(struct chat *chat, const cJSON *message) {
    double epoch = chat_number_of(message, "epoch");
    if (strcmp(chat_text_of(message, "resultCode"), "success") != 0)
        return;
    snprintf(chat->token, sizeof chat->token, "%s", chat_text_of(message, "token"));
    if (chat_text_of(message, "user")[0] != '\0')
        snprintf(chat->id, sizeof chat->id, "%s", chat_text_of(message, "user"));
    if (chat->epoch != 0 && chat->epoch != epoch)
        chat_marks_clear(&chat->marks); /* the log was restored: cids begin anew */
    chat->epoch = epoch;
}

static enum chat_login_result judge(struct chat *chat, const cJSON *answer, bool registering,
                                    const char **reason_r) {
    const char *error = chat_text_of(answer, "error");
    *reason_r = chat_text_of(answer, "text");
    if (chat_login_is_busy(error))
        return CHAT_LOGIN_AGAIN;
    if (strcmp(error, "bad_token") == 0) {
        chat->token[0] = '\0';
        return CHAT_LOGIN_AGAIN;
    }
    chat->needs_password = !registering && strcmp(error, "password_needed") == 0;
    return CHAT_LOGIN_REFUSED;
}

enum chat_login_result chat_login_take(struct chat *chat, const cJSON *message,
                                       const char **reason_r) {
    const char *ref = chat_text_of(message, "ref");
    int number = (int)chat_number_of(message, "msgType");
    bool registering = strcmp(ref, chat->register_ref) == 0;
    if (number == 2) {
        take_token(chat, message);
        return CHAT_LOGIN_GOES_ON;
    }
    if (number != 300 || (!registering && strcmp(ref, chat->login_ref) != 0))
        return CHAT_LOGIN_NONE;
    if (!chat_is_true(message, "ok"))
        return judge(chat, message, registering, reason_r);
    if (registering) {
        chat->registers = false;
        return CHAT_LOGIN_GOES_ON;
    }
    return CHAT_LOGIN_DONE;
}
