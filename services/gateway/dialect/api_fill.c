/* From the parameters of a call to messages to services, and what their replies give the next; see
 * api.h. */
#include <stdio.h>
#include <string.h>

#include "services/gateway/dialect/api.h"

static const struct api_param *param_for(const struct api_request *request, const char *field) {
    for (const struct api_param *param = request->operation->params; param->name != NULL; param++)
        if (strcmp(param->field == NULL ? param->name : param->field, field) == 0)
            return param;
    return NULL;
}

/* Whether a parameter that was given sets this. */
static bool is_set(const struct api_request *request, const char *field) {
    for (const struct api_param *param = request->operation->params; param->name != NULL; param++)
        if (param->sets != NULL && strcmp(param->sets, field) == 0)
            return request->values[param - request->operation->params].given;
    return false;
}

static void set_number(const struct record_field *field, char *body, uint64_t number) {
    if (field->type == RECORD_U64)
        memcpy(body + field->offset, &number, sizeof number);
    else if (field->type == RECORD_BOOL)
        *(bool *)(body + field->offset) = number != 0;
}

static void set_text(const struct record_field *field, char *body, struct slice text) {
    if (field->type == RECORD_TEXT || field->type == RECORD_BYTES)
        memcpy(body + field->offset, &text, sizeof text);
}

/* A list of one. false: no memory. */
static bool is_nonce(const struct record_field *field) {
    return strcmp(field->name, "nonce") == 0 || strcmp(field->name, "nonces") == 0;
}

bool api_keeps_ref(const struct api_operation *operation) {
    for (size_t i = 0; i < operation->step_count; i++) {
        const struct record_desc *desc = operation->steps[i].message->body;
        for (size_t j = 0; j < desc->field_count; j++)
            if (is_nonce(&desc->fields[j]))
                return true;
    }
    return false;
}

static bool set_nonces(char *body, const struct record_field *field, struct slice nonce,
                       struct record_arena *arena) {
    struct slice_list list = {record_arena_alloc(arena, sizeof nonce), 1};
    if (list.items != NULL)
        *list.items = nonce;
    memcpy(body + field->offset, &list, sizeof list);
    return list.items != NULL;
}

static void fill_field(const struct api_request *request, const struct api_step *step,
                       const struct record_field *field, char *body) {
    for (size_t i = 0; i < sizeof step->fixed / sizeof step->fixed[0]; i++) {
        if (step->fixed[i].field == NULL || strcmp(step->fixed[i].field, field->name) != 0)
            continue;
        const char *name = step->fixed[i].param;
        set_number(field, body,
                   name == NULL ? step->fixed[i].number : api_value(request, name)->number);
        set_text(field, body, slice_text(step->fixed[i].text));
        return;
    }
    const struct api_param *param = param_for(request, field->name);
    if (param != NULL) {
        const struct api_value *value = &request->values[param - request->operation->params];
        set_number(field, body, value->number);
        set_text(field, body, value->text);
    } else if (is_set(request, field->name)) {
        set_number(field, body, 1);
    }
}

static bool is_kept(const struct api_request *request, const struct api_step *step,
                    const char *field) {
    const struct api_operation *operation = request->operation;
    for (const struct api_step *before = operation->steps; before < step; before++)
        if (before->keeps != NULL && strcmp(before->keeps, field) == 0)
            return true;
    return false;
}

const struct message_desc *api_message(const struct api_request *request,
                                       const struct api_step *step) {
    return step->acting != NULL && api_actor(request) != 0 ? step->acting : step->message;
}

bool api_fill(const struct api_request *request, const struct api_step *step,
              const struct api_given *given, struct record_arena *arena, void *body) {
    const struct record_desc *desc = api_message(request, step)->body;
    for (size_t i = 0; i < desc->field_count; i++) {
        const struct record_field *field = &desc->fields[i];
        if (strcmp(field->name, "nonce") == 0)
            set_text(field, body, given->nonce);
        else if (strcmp(field->name, "address") == 0)
            set_text(field, body, given->host);
        else if (strcmp(field->name, "nonces") == 0) {
            if (!set_nonces(body, field, given->nonce, arena))
                return false;
        } else if (is_kept(request, step, field->name))
            set_number(field, body, request->kept);
        else if (strcmp(field->name, "account_id") == 0)
            set_text(field, body, slice_text(request->kept_id));
        else
            fill_field(request, step, field, body);
    }
    const struct api_operation *operation = request->operation;
    bool last = step + 1 == operation->steps + operation->step_count;
    return !last || operation->build == NULL || operation->build(request, arena, body);
}

enum err api_take(struct api_request *request, const struct api_step *step, const void *reply) {
    const struct record_desc *desc = api_message(request, step)->reply;
    for (size_t i = 0; i < desc->field_count; i++) {
        const void *at = (const char *)reply + desc->fields[i].offset;
        if (step->keeps != NULL && strcmp(desc->fields[i].name, step->keeps) == 0) {
            memcpy(&request->kept, at, sizeof request->kept);
            request->keeps = true;
        } else if (step->keeps_id != NULL && strcmp(desc->fields[i].name, step->keeps_id) == 0) {
            struct slice id = *(const struct slice *)at;
            snprintf(request->kept_id, sizeof request->kept_id, "%.*s", (int)id.length,
                     id.length == 0 ? "" : id.data);
        }
    }
    const struct api_operation *operation = request->operation;
    bool last = step + 1 == operation->steps + operation->step_count;
    return !last || operation->judge == NULL ? ERR_OK : operation->judge(reply);
}

bool api_skips(const struct api_request *request, const struct api_step *step) {
    (void)step;
    return request->keeps && request->kept == 0;
}
