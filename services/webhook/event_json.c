/* Parts of events as JSON; see event_json.h. */
#include "services/webhook/event_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/mentions.h"

/* A number in decimal, with the 0 at the end. */
#define DECIMAL_BYTES 24

void event_json_add_text(cJSON *object, const char *key, struct slice text) {
    char *copy = slice_copy(text);
    if (copy != NULL)
        cJSON_AddStringToObject(object, key, copy);
    free(copy);
}

void event_json_add_number(cJSON *object, const char *key, uint64_t number) {
    if (number != 0)
        cJSON_AddNumberToObject(object, key, (double)number);
}

void event_json_add_decimal(cJSON *object, const char *key, uint64_t number) {
    char text[DECIMAL_BYTES];
    snprintf(text, sizeof text, "%" PRIu64, number);
    cJSON_AddStringToObject(object, key, text);
}

static cJSON *party_new(const struct event_party *party) {
    cJSON *object = cJSON_CreateObject();
    event_json_add_number(object, "number", party->number);
    if (party->id.length > 0)
        event_json_add_text(object, "id", party->id);
    else
        event_json_add_decimal(object, "id", party->number);
    return object;
}

void event_json_add_party(cJSON *object, const char *key, const struct event_party *party) {
    if (party->number != 0)
        cJSON_AddItemToObject(object, key, party_new(party));
}

void event_json_add_conversation(cJSON *event, const struct event_conversation *conversation) {
    static const char *const kinds[] = {"pair", "group", "own", "all"};
    cJSON *object = cJSON_AddObjectToObject(event, "conversation");
    if (conversation->id != 0)
        event_json_add_decimal(object, "id", conversation->id);
    cJSON_AddStringToObject(object, "kind", kinds[conversation->kind]);
    if (conversation->kind == CONVERSATION_GROUP) {
        event_json_add_party(object, "group", &conversation->group);
        event_json_add_text(object, "name", conversation->group_name);
    } else if (conversation->kind != CONVERSATION_BROADCAST) {
        cJSON *accounts = cJSON_AddArrayToObject(object, "accounts");
        cJSON_AddItemToArray(accounts, party_new(&conversation->lo));
        if (conversation->kind == CONVERSATION_PAIR)
            cJSON_AddItemToArray(accounts, party_new(&conversation->hi));
    }
}

void event_json_add_mentions(cJSON *event, struct slice packed) {
    const size_t count = mentions_count(packed);
    if (count == 0)
        return;
    cJSON *list = cJSON_AddArrayToObject(event, "mentions");
    for (size_t i = 0; i < count; i++)
        cJSON_AddItemToArray(list, cJSON_CreateNumber((double)mentions_get(packed, i)));
}

void event_json_add_file(cJSON *event, const struct file *file) {
    static const char *const kinds[] = {
        [FILE_STICKER] = "sticker", [FILE_IMAGE] = "image", [FILE_PLAIN] = "file"};
    char id[DECIMAL_BYTES];
    cJSON *object = cJSON_AddObjectToObject(event, "file");
    snprintf(id, sizeof id, "%016" PRIx64, file->id);
    cJSON_AddStringToObject(object, "id", id);
    if (file->kind <= FILE_PLAIN && kinds[file->kind] != NULL)
        cJSON_AddStringToObject(object, "kind", kinds[file->kind]);
    event_json_add_text(object, "name", file->name);
    event_json_add_text(object, "mime", file->mime);
    cJSON_AddNumberToObject(object, "size", (double)file->size);
    event_json_add_number(object, "width", file->width);
    event_json_add_number(object, "height", file->height);
}
