/* One JWT; see jwt.h. */
#include "services/jwt/jwt.h"

#include <math.h>
#include <string.h>

#include "common/base64.h"
#include "common/json_tree.h"
#include "proto/messages.h"

/* limit: client | nesting in the header and the claims of a JWT | {JWT_DEPTH} | `jwt_malformed` */
#define JWT_DEPTH 16
/* A time in seconds that no JSON reader rounds. */
#define SECONDS_EXACT 9007199254740992.0

struct parts {
    struct slice header, claims, signature;
    struct slice text; /* what is signed: header and claims with the dot */
};

static bool split(struct slice token, struct parts *parts_r) {
    const char *end = token.data + token.length;
    const char *first = token.length == 0 ? NULL : memchr(token.data, '.', token.length);
    const char *second = first == NULL ? NULL : memchr(first + 1, '.', (size_t)(end - first - 1));
    if (second == NULL || memchr(second + 1, '.', (size_t)(end - second - 1)) != NULL)
        return false;
    parts_r->header = slice_make(token.data, (size_t)(first - token.data));
    parts_r->claims = slice_make(first + 1, (size_t)(second - first - 1));
    parts_r->signature = slice_make(second + 1, (size_t)(end - second - 1));
    parts_r->text = slice_make(token.data, (size_t)(second - token.data));
    return true;
}

static enum err decode(struct slice part, struct record_arena *arena, struct slice *bytes_r) {
    unsigned char *room = record_arena_alloc(arena, part.length + 1);
    size_t length = 0;
    if (room == NULL)
        return ERR_OVERLOADED;
    if (!base64_read(part, sodium_base64_VARIANT_URLSAFE_NO_PADDING, room, part.length + 1,
                     &length))
        return ERR_JWT_MALFORMED;
    *bytes_r = slice_make((const char *)room, length);
    return ERR_OK;
}

static enum err decode_object(struct slice part, struct record_arena *arena, cJSON **json_r) {
    struct slice text = {0};
    enum err err = decode(part, arena, &text);
    *json_r = err == ERR_OK ? json_tree_object(text, JWT_DEPTH) : NULL;
    return err == ERR_OK && *json_r == NULL ? ERR_JWT_MALFORMED : err;
}

/* --- the header ----------------------------------------------------------------------------- */

static const cJSON *find(const cJSON *json, const char *name) {
    return cJSON_GetObjectItemCaseSensitive(json, name);
}

static enum err read_header(const cJSON *header, struct jwt_named *named_r) {
    const cJSON *algorithm = find(header, "alg"), *id = find(header, "kid");
    if (find(header, "crit") != NULL || (id != NULL && !cJSON_IsString(id)))
        return ERR_JWT_MALFORMED;
    *named_r = (struct jwt_named){.has_id = id != NULL, .id = slice_text(cJSON_GetStringValue(id))};
    return jwt_algorithm_find(slice_text(cJSON_GetStringValue(algorithm)), &named_r->algorithm)
               ? ERR_OK
               : ERR_JWT_ALGORITHM;
}

/* --- the claims ----------------------------------------------------------------------------- */

/* False: it is no time. One that is absent is `absent`. */
static bool read_time(const cJSON *claims, const char *name, double absent, double *seconds_r) {
    const cJSON *item = find(claims, name);
    *seconds_r = item == NULL ? absent : item->valuedouble;
    return item == NULL ||
           (cJSON_IsNumber(item) && isfinite(*seconds_r) && fabs(*seconds_r) <= SECONDS_EXACT);
}

static enum err check_times(const cJSON *claims, const struct jwt_rules *rules, int64_t now_ms) {
    double now = (double)now_ms / 1000, skew = (double)rules->skew_s, ends, begins, made;
    if (find(claims, "exp") == NULL || !read_time(claims, "exp", 0, &ends) ||
        !read_time(claims, "nbf", 0, &begins) || !read_time(claims, "iat", 0, &made))
        return ERR_JWT_CLAIMS;
    if (now >= ends + skew)
        return ERR_JWT_EXPIRED;
    return now + skew < begins || now + skew < made ? ERR_JWT_EARLY : ERR_OK;
}

static bool is_text(const cJSON *item, const char *text) {
    return cJSON_IsString(item) && strcmp(item->valuestring, text) == 0;
}

/* One, or a list that holds it. */
static bool has_audience(const cJSON *audience, const char *wanted) {
    const cJSON *item;
    if (!cJSON_IsArray(audience))
        return is_text(audience, wanted);
    cJSON_ArrayForEach(item, audience) {
        if (is_text(item, wanted))
            return true;
    }
    return false;
}

static enum err check_parties(const cJSON *claims, const struct jwt_rules *rules) {
    const cJSON *audience = find(claims, "aud");
    if (rules->issuer[0] != '\0' && !is_text(find(claims, "iss"), rules->issuer))
        return ERR_JWT_ISSUER;
    if (rules->audience[0] == '\0' ? audience != NULL : !has_audience(audience, rules->audience))
        return ERR_JWT_AUDIENCE;
    return ERR_OK;
}

static enum err take(const cJSON *item, struct record_arena *arena, struct slice *text_r) {
    struct slice text = slice_text(cJSON_GetStringValue(item));
    if (item != NULL && !cJSON_IsString(item) && !cJSON_IsNull(item))
        return ERR_JWT_CLAIMS;
    *text_r = record_arena_copy(arena, text);
    return text_r->length == text.length ? ERR_OK : ERR_OVERLOADED;
}

static enum err read_claims(const cJSON *claims, const struct jwt_rules *rules, int64_t now_ms,
                            struct record_arena *arena, struct jwt_claims *claims_r) {
    enum err err = check_times(claims, rules, now_ms);
    if (err == ERR_OK)
        err = check_parties(claims, rules);
    if (err == ERR_OK)
        err = take(find(claims, "sub"), arena, &claims_r->subject);
    if (err == ERR_OK)
        err = take(find(claims, "name"), arena, &claims_r->name);
    return err == ERR_OK && claims_r->subject.length == 0 ? ERR_JWT_CLAIMS : err;
}

/* --- all ------------------------------------------------------------------------------------ */

static enum err check_signature(struct jwt_keys *keys, const struct parts *parts,
                                struct record_arena *arena) {
    struct jwt_named named;
    struct slice signature = {0};
    cJSON *header = NULL;
    enum err err = decode_object(parts->header, arena, &header);
    if (err == ERR_OK)
        err = read_header(header, &named);
    if (err == ERR_OK)
        err = decode(parts->signature, arena, &signature);
    if (err == ERR_OK)
        err = jwt_keys_verify(keys, &named, parts->text, signature);
    cJSON_Delete(header);
    return err;
}

enum err jwt_check(struct jwt_keys *keys, const struct jwt_rules *rules, struct slice token,
                   int64_t now_ms, struct record_arena *arena, struct jwt_claims *claims_r) {
    struct parts parts;
    cJSON *claims = NULL;
    *claims_r = (struct jwt_claims){0};
    if (token.length > JWT_MAX_BYTES || !split(token, &parts))
        return ERR_JWT_MALFORMED;
    enum err err = check_signature(keys, &parts, arena);
    if (err == ERR_OK) /* nothing is read of them before */
        err = decode_object(parts.claims, arena, &claims);
    if (err == ERR_OK)
        err = read_claims(claims, rules, now_ms, arena, claims_r);
    cJSON_Delete(claims);
    return err;
}
