/* Requests without an answer; see requests.h. */
#include "services/ctl/chat/requests.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

void chat_requests_make_ref(char ref[CHAT_REF_BYTES]) {
    unsigned char bytes[(CHAT_REF_BYTES - 1) / 2];
    randombytes_buf(bytes, sizeof bytes);
    sodium_bin2hex(ref, CHAT_REF_BYTES, bytes, sizeof bytes);
}

struct chat_request *chat_requests_add(struct chat_requests *self, int number, cJSON *body,
                                       const char *command) {
    struct chat_request *request =
        body == NULL || self->count == CHAT_REQUESTS_MAX ? NULL : calloc(1, sizeof *request);
    if (request == NULL) {
        cJSON_Delete(body);
        return NULL;
    }
    chat_requests_make_ref(request->ref);
    request->number = number;
    request->body = body;
    request->command = command;
    DL_APPEND(self->first, request);
    self->count++;
    return request;
}

struct chat_request *chat_requests_find(struct chat_requests *self, const char *ref) {
    struct chat_request *request;
    DL_FOREACH(self->first, request) {
        if (strcmp(request->ref, ref) == 0)
            return request;
    }
    return NULL;
}

void chat_requests_remove(struct chat_requests *self, struct chat_request *request) {
    DL_DELETE(self->first, request);
    self->count--;
    cJSON_Delete(request->body);
    free(request);
}

void chat_requests_free(struct chat_requests *self) {
    while (self->first != NULL)
        chat_requests_remove(self, self->first);
}

struct chat_request *chat_requests_next(struct chat_requests *self) {
    struct chat_request *request;
    DL_FOREACH(self->first, request) {
        if (!request->sent)
            return request;
    }
    return NULL;
}

void chat_requests_rewind(struct chat_requests *self) {
    struct chat_request *request;
    DL_FOREACH(self->first, request) { request->sent = false; }
}

/* `{"msgType":N,"ref":R,"msgBody":BODY}`; the body is borrowed. */
static char *print(int number, const char *ref, cJSON *body) {
    cJSON *object = cJSON_CreateObject();
    char *text = NULL;
    if (cJSON_AddNumberToObject(object, "msgType", number) != NULL &&
        (ref == NULL || cJSON_AddStringToObject(object, "ref", ref) != NULL) &&
        cJSON_AddItemReferenceToObject(object, "msgBody", body))
        text = cJSON_PrintUnformatted(object);
    cJSON_Delete(object);
    return text;
}

bool chat_requests_write(struct buffer *out, int number, const char *ref, const char *token,
                         cJSON *body) {
    bool complete = token == NULL || cJSON_AddStringToObject(body, "token", token) != NULL;
    char *text = complete ? print(number, ref, body) : NULL;
    size_t length = text == NULL ? 0 : strlen(text);
    bool fits =
        text != NULL && length <= CHAT_OBJECT_MAX_BYTES && buffer_printf(out, "%s\n", text) == 0;
    cJSON_free(text);
    if (token != NULL)
        cJSON_DeleteItemFromObjectCaseSensitive(body, "token");
    return fits;
}
