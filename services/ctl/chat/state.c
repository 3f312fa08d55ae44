/* Shared by the parts of the chat; see state.h. */
#include "services/ctl/chat/state.h"

#include <stdio.h>
#include <string.h>

#include "common/loop.h"
#include "services/ctl/chat/show.h"

/* Confirming, at most so often. */
#define CONFIRM_MS 1000
/* limit: tool | a reason that `chat` keeps | 255 bytes {CHAT_REASON_BYTES:} | its end is left out
 */
/* So many characters, each shown by a number of at most ten. */
#define REASON_SHOWN_BYTES ((size_t)10 * CHAT_REASON_BYTES)
/* Of a command that there is not. */
#define COMMAND_CHARACTERS 40

void chat_pump(struct chat *chat) {
    struct chat_request *request;
    if (chat->stage != CHAT_READY || ev_is_active(&chat->retry))
        return;
    while (chat_wire_has_room(chat->wire) &&
           (request = chat_requests_next(&chat->requests)) != NULL) {
        struct buffer object = buffer_make(CHAT_OBJECT_MAX_BYTES + 1);
        if (!chat_requests_write(&object, request->number, request->ref, chat->token,
                                 request->body)) {
            chat_refuse(chat, request->command, "it is too long");
            chat_requests_remove(&chat->requests, request);
        } else {
            chat_wire_send(chat->wire, object.data, object.length);
            request->sent = true;
        }
        buffer_free(&object);
    }
}

void chat_ask_ref(struct chat *chat, int number, cJSON *body, const char *command,
                  char ref_r[CHAT_REF_BYTES]) {
    const struct chat_request *request = chat_requests_add(&chat->requests, number, body, command);
    if (request == NULL)
        chat_refuse(chat, command, "there is no room for it");
    snprintf(ref_r, CHAT_REF_BYTES, "%s", request == NULL ? "" : request->ref);
    chat_pump(chat);
}

void chat_ask(struct chat *chat, int number, cJSON *body, const char *command) {
    char ref[CHAT_REF_BYTES];
    chat_ask_ref(chat, number, body, command, ref);
}

/* A reason may hold words of the server's, and is shown on standard error as it is kept. */
static void keep_reason(char reason_r[CHAT_REASON_BYTES], const char *reason) {
    struct buffer line = buffer_make(REASON_SHOWN_BYTES);
    chat_show_excerpt(&line, slice_text(reason), CHAT_REASON_BYTES);
    snprintf(reason_r, CHAT_REASON_BYTES, "%.*s", (int)line.length,
             line.length == 0 ? "" : line.data);
    buffer_free(&line);
}

void chat_refuse(struct chat *chat, const char *what, const char *why) {
    struct buffer *line = chat_screen_begin(&chat->screen);
    buffer_add_text(line, what == NULL ? "!! not sent" : "!! /");
    chat_show_excerpt(line, slice_text(what), COMMAND_CHARACTERS);
    buffer_add_text(line, ": ");
    chat_show_text(line, slice_text(why));
    chat_screen_end(&chat->screen);
    if (chat->refusals++ == 0)
        keep_reason(chat->refused, why);
}

void chat_confirm_soon(struct chat *chat) {
    if (!ev_is_active(&chat->confirm))
        loop_timer_start(chat->ev, &chat->confirm, CONFIRM_MS);
}

void chat_end(struct chat *chat, const char *reason) {
    if (reason != NULL && !chat->failed)
        keep_reason(chat->failure, reason);
    chat->failed = chat->failed || reason != NULL;
    chat->stage = CHAT_OVER;
    if (chat->wire != NULL)
        chat_wire_close(chat->wire);
    ev_break(chat->ev, EVBREAK_ALL);
}

const char *chat_text_of(const cJSON *object, const char *name) {
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
    return text == NULL ? "" : text;
}

double chat_number_of(const cJSON *object, const char *name) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    double number = cJSON_IsNumber(item) ? item->valuedouble : 0;
    /* Whatever the server sends, it can be converted to an integer. */
    return number >= 0 && number < (double)((uint64_t)1 << 53) ? number : 0;
}

bool chat_is_true(const cJSON *object, const char *name) {
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, name));
}

bool chat_peer_of(const cJSON *peer, struct chat_peer *peer_r) {
    const char *user = chat_text_of(peer, "user"), *group = chat_text_of(peer, "group");
    const char *id = group[0] != '\0' ? group : user;
    *peer_r = (struct chat_peer){.group = group[0] != '\0'};
    if (id[0] == '\0' || strlen(id) >= sizeof peer_r->id)
        return false;
    snprintf(peer_r->id, sizeof peer_r->id, "%s", id);
    return true;
}

cJSON *chat_peer_make(const struct chat_peer *peer) {
    cJSON *object = cJSON_CreateObject();
    if (cJSON_AddStringToObject(object, peer->group ? "group" : "user", peer->id) != NULL)
        return object;
    cJSON_Delete(object);
    return NULL;
}
