/* What hook_before's address answers; see before_answer.h. */
#include "services/delivery/before_answer.h"

#include "common/json_tree.h"
#include "proto/messages.h"

/* {"text":...}, and what else the program may say. */
#define ANSWER_DEPTH 8
#define HTTP_OK 200
#define HTTP_NO_CONTENT 204

static enum before_verdict fault(const char *sentence, struct slice *words_r) {
    *words_r = slice_text(sentence);
    return BEFORE_FAULTY;
}

static bool copy(struct record_arena *arena, struct slice text, struct slice *copy_r) {
    *copy_r = record_arena_copy(arena, text);
    return copy_r->length == text.length;
}

static struct slice cut(struct slice text) {
    const size_t length = text.length;
    text.length = length > BEFORE_REASON_BYTES ? BEFORE_REASON_BYTES : length;
    while (text.length > 0 && text.length < length &&
           ((unsigned char)text.data[text.length] & 0xc0) == 0x80)
        text.length--;
    return text;
}

static enum before_verdict change(const cJSON *text, bool may_be_empty, struct record_arena *arena,
                                  struct slice *words_r) {
    const struct slice words = slice_text(cJSON_GetStringValue(text));
    if (!cJSON_IsString(text))
        return fault("the answer's text is none", words_r);
    if (words.length > TEXT_MAX_BYTES)
        return fault("the answer's text is too long", words_r);
    if (words.length == 0 && !may_be_empty)
        return fault("the answer's text is empty", words_r);
    return copy(arena, words, words_r) ? BEFORE_CHANGED : fault("out of memory", words_r);
}

static enum before_verdict read_object(const cJSON *json, bool may_be_empty,
                                       struct record_arena *arena, struct slice *words_r) {
    const cJSON *text = cJSON_GetObjectItemCaseSensitive(json, "text");
    const cJSON *refuse = cJSON_GetObjectItemCaseSensitive(json, "refuse");
    const cJSON *reason = cJSON_GetObjectItemCaseSensitive(json, "reason");
    if ((refuse != NULL && !cJSON_IsBool(refuse)) || (reason != NULL && !cJSON_IsString(reason)))
        return fault("the answer's refuse is no true or false, or its reason no text", words_r);
    if (cJSON_IsTrue(refuse))
        return copy(arena, cut(slice_text(cJSON_GetStringValue(reason))), words_r)
                   ? BEFORE_REFUSED
                   : fault("out of memory", words_r);
    return text == NULL ? BEFORE_ALLOWED : change(text, may_be_empty, arena, words_r);
}

enum before_verdict before_answer_read(long status, struct slice body, bool may_be_empty,
                                       struct record_arena *arena, struct slice *words_r) {
    *words_r = slice_make(NULL, 0);
    if (status == HTTP_NO_CONTENT || (status == HTTP_OK && body.length == 0))
        return BEFORE_ALLOWED;
    if (status != HTTP_OK)
        return fault("the answer's status is neither 200 nor 204", words_r);
    cJSON *json = json_tree_object(body, ANSWER_DEPTH);
    enum before_verdict verdict = json == NULL ? fault("the answer is no JSON object", words_r)
                                               : read_object(json, may_be_empty, arena, words_r);
    cJSON_Delete(json);
    return verdict;
}
