/*
 * From a text to cJSON's tree; see parse.h.
 *
 * Strings that cJSON would cut (NUL), half surrogate pairs and keys that stand twice mean something
 * else to other parsers, and numbers of many digits nothing to cJSON, so such an object is refused.
 * Its `ref` is still wanted, to answer it. So the bad parts of a copy are overwritten, and the tree
 * is made of that.
 */
#include "services/gateway/dialect/parse.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json_tree.h"

/* A key that a fault quotes; longer ones it does not name. */
#define QUOTED_KEY_BYTES 64
/* limit: client | characters of a number in an object | {NUMBER_MAX_BYTES} | a fault that names the
 * field */
/* What cJSON takes for one; of a longer one it says no more than that it is no JSON. */
#define NUMBER_MAX_BYTES 63

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */
static const char replacement_escaped[] = "\\ufffd";
#define ESCAPE_BYTES (sizeof replacement_escaped - 1)

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

void fault_copy(char fault_r[DIALECT_FAULT_BYTES], const char *sentence) {
    size_t length = strlen(sentence);
    if (length >= DIALECT_FAULT_BYTES) {
        length = DIALECT_FAULT_BYTES - 1;
        while (length > 0 && ((unsigned char)sentence[length] & 0xc0) == 0x80)
            length--;
    }
    memcpy(fault_r, sentence, length);
    fault_r[length] = '\0';
}

/* --- strings ------------------------------------------------------------------------------- */

enum flaw { FLAW_NONE, FLAW_NUL, FLAW_CONTROL, FLAW_SURROGATE, FLAW_DIGITS };

static const char *const flaw_texts[] = {
    [FLAW_NUL] = "a NUL character",
    [FLAW_CONTROL] = "a control character that is not escaped",
    [FLAW_SURROGATE] = "half of a surrogate pair",
    [FLAW_DIGITS] = "a number that is too long",
};

/* The code unit of the `\uXXXX` at `at`; -1: there is none. */
static int escaped_unit(const char *at, const char *end) {
    int unit = 0;
    if ((size_t)(end - at) < ESCAPE_BYTES || at[0] != '\\' || at[1] != 'u')
        return -1;
    for (size_t i = 2; i < ESCAPE_BYTES; i++) {
        unsigned char c = (unsigned char)at[i];
        if (!isxdigit(c))
            return -1;
        unit = unit * 16 + (isdigit(c) ? c - '0' : tolower(c) - 'a' + 10);
    }
    return unit;
}

/* How long the escape is that starts at `at`, a surrogate with its other half. */
static size_t escape_length(const char *at, const char *end, enum flaw *flaw_r) {
    int unit = escaped_unit(at, end);
    if (unit < 0)
        return end - at >= 2 ? 2 : 1;
    if (unit == 0)
        *flaw_r = FLAW_NUL;
    if (unit < 0xd800 || unit > 0xdfff)
        return ESCAPE_BYTES;
    int low = unit < 0xdc00 ? escaped_unit(at + ESCAPE_BYTES, end) : -1;
    if (low >= 0xdc00 && low <= 0xdfff)
        return 2 * ESCAPE_BYTES;
    *flaw_r = FLAW_SURROGATE;
    return ESCAPE_BYTES;
}

/* Walks a string from behind its opening quote to its closing one (or `end`), which it returns;
 * `*flaw_r` is the first that it holds. Overwrites them with `mended`, where the same text begins
 * at `mended`; NULL: looks only. */
static const char *walk_string(const char *at, const char *end, char *mended, enum flaw *flaw_r) {
    const char *start = at;
    *flaw_r = FLAW_NONE;
    while (at < end && *at != '"') {
        enum flaw flaw = FLAW_NONE;
        size_t length = 1;
        if ((unsigned char)*at < 0x20)
            flaw = *at == '\0' ? FLAW_NUL : FLAW_CONTROL;
        else if (*at == '\\')
            length = escape_length(at, end, &flaw);
        if (flaw != FLAW_NONE && *flaw_r == FLAW_NONE)
            *flaw_r = flaw;
        if (flaw != FLAW_NONE && mended != NULL)
            memcpy(mended + (at - start), length == 1 ? "?" : replacement_escaped, length);
        at += length;
    }
    return at;
}

/* The same for a number, from its first character on to behind its last; a flawed one becomes 0. */
static const char *walk_number(const char *at, const char *end, char *mended, enum flaw *flaw_r) {
    const char *start = at;
    while (at < end && *at != '\0' && strchr("0123456789+-.eE", *at) != NULL)
        at++;
    size_t length = (size_t)(at - start);
    *flaw_r = length > NUMBER_MAX_BYTES ? FLAW_DIGITS : FLAW_NONE;
    if (*flaw_r != FLAW_NONE && mended != NULL) {
        memset(mended, ' ', length);
        mended[0] = '0';
    }
    return at;
}

static void name_flaw(struct slice key, enum flaw flaw, char fault_r[DIALECT_FAULT_BYTES]) {
    char sentence[2 * DIALECT_FAULT_BYTES];
    if (key.length == 0 || key.length > QUOTED_KEY_BYTES)
        key = slice_text("a string");
    snprintf(sentence, sizeof sentence, "%.*s holds %s", (int)key.length, key.data,
             flaw_texts[flaw]);
    fault_copy(fault_r, sentence);
}

/*
 * Looks at all strings and numbers of a JSON text, and names the field of the first that is flawed.
 * It looks at the text, since in cJSON's tree a string that holds a NUL looks like one that ends
 * there. Overwrites the flaws with `mended`, a copy of the text; NULL: ends at the first.
 */
static void walk_values(struct slice text, char *mended, char fault_r[DIALECT_FAULT_BYTES]) {
    const char *end = text.data + text.length;
    struct slice key = {"", 0}; /* the last one that was seen */
    for (const char *at = text.data; at < end && (mended != NULL || fault_r[0] == '\0'); at++) {
        bool number = *at == '-' || isdigit((unsigned char)*at);
        if (*at != '"' && !number)
            continue;
        const char *start = number ? at : at + 1;
        char *mended_start = mended == NULL ? NULL : mended + (start - text.data);
        enum flaw flaw = FLAW_NONE;
        at = (number ? walk_number : walk_string)(start, end, mended_start, &flaw);
        if (number)
            at--; /* what follows has its turn */
        const char *after = at < end ? at + 1 : end;
        while (after < end && is_space(*after))
            after++;
        bool is_key = !number && after < end && *after == ':';
        if (flaw != FLAW_NONE && fault_r[0] == '\0')
            name_flaw(is_key ? slice_make("", 0) : key, flaw, fault_r);
        if (is_key)
            key = slice_make(start, (size_t)(at - start));
    }
}

/* --- keys ---------------------------------------------------------------------------------- */

static void name_twice(const char *key, char fault_r[DIALECT_FAULT_BYTES]) {
    char sentence[2 * DIALECT_FAULT_BYTES];
    size_t length = strlen(key);
    if (length == 0 || length > QUOTED_KEY_BYTES)
        snprintf(sentence, sizeof sentence, "a key appears twice in one object");
    else
        snprintf(sentence, sizeof sentence, "%s appears twice in one object", key);
    fault_copy(fault_r, sentence);
}

/* --- all ----------------------------------------------------------------------------------- */

static cJSON *parse(struct slice text, char fault_r[DIALECT_FAULT_BYTES]) {
    const char *behind = NULL;
    cJSON *json = cJSON_ParseWithLengthOpts(text.data, text.length, &behind, 0);
    const char *end = text.data + text.length;
    while (json && behind < end && is_space(*behind))
        behind++;
    if (json && behind == end && cJSON_IsObject(json))
        return json;
    if (fault_r[0] == '\0')
        fault_copy(fault_r,
                   json && behind == end ? "the JSON is not an object" : "that is not JSON");
    cJSON_Delete(json);
    return NULL;
}

static cJSON *parse_mended(struct slice text, char fault_r[DIALECT_FAULT_BYTES]) {
    char *copy = slice_copy(text);
    if (copy == NULL)
        return NULL;
    walk_values(text, copy, fault_r);
    cJSON *json = parse(slice_make(copy, text.length), fault_r);
    free(copy);
    return json;
}

/* Of an object that is at fault: a `ref` that may be another than the client meant. */
static void drop_doubtful_ref(cJSON *json) {
    const char *ref = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "ref"));
    cJSON *first = cJSON_DetachItemFromObjectCaseSensitive(json, "ref");
    bool twice = cJSON_GetObjectItemCaseSensitive(json, "ref") != NULL;
    if (ref != NULL && strstr(ref, replacement) == NULL && !twice) {
        cJSON_AddItemToObject(json, "ref", first);
        return;
    }
    cJSON_Delete(first);
    while (cJSON_GetObjectItemCaseSensitive(json, "ref") != NULL)
        cJSON_DeleteItemFromObjectCaseSensitive(json, "ref");
}

cJSON *dialect_parse(struct slice text, char fault_r[DIALECT_FAULT_BYTES]) {
    fault_r[0] = '\0';
    walk_values(text, NULL, fault_r);
    cJSON *json = fault_r[0] == '\0' ? parse(text, fault_r) : parse_mended(text, fault_r);
    if (json == NULL)
        return NULL;
    const char *twice = json_tree_twice(json);
    if (twice != NULL && fault_r[0] == '\0')
        name_twice(twice, fault_r);
    if (fault_r[0] != '\0')
        drop_doubtful_ref(json);
    return json;
}
