/* What auth_url says; see callback_answer.h. */
#include "services/auth/callback_answer.h"

#include "common/json_tree.h"

/* {"id":...,"name":...}, and what else the backend may say. */
#define ANSWER_DEPTH 8

static bool take(const cJSON *json, const char *name, struct record_arena *arena,
                 struct slice *text_r) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);
    struct slice text = slice_text(cJSON_GetStringValue(item));
    *text_r = record_arena_copy(arena, text);
    return (item == NULL || cJSON_IsNull(item) || cJSON_IsString(item)) &&
           text_r->length == text.length;
}

bool callback_answer_read(struct slice answer, struct record_arena *arena, struct slice *id_r,
                          struct slice *name_r) {
    cJSON *json = json_tree_object(answer, ANSWER_DEPTH);
    bool good = json != NULL && take(json, "id", arena, id_r) &&
                take(json, "name", arena, name_r) && id_r->length > 0;
    cJSON_Delete(json);
    return good;
}
