/*
 * Fuzz target of JWTs and of the files with their keys: whatever they hold, each has one outcome of
 * those that are written down, and a token that nobody signed is never good.
 */
#include "services/jwt/jwt.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/memory_file.h"

/* A public key by which nothing here signs: y is 4/5, the generator. */
#define JWKS                                                                                       \
    "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"k\",\"x\":"                         \
    "\"WGZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmY\"}]}"

static void try_token(struct jwt_keys *keys, struct slice token) {
    const struct jwt_rules rules = {.issuer = "", .audience = "", .skew_s = 0};
    struct record_arena arena = {0};
    struct jwt_claims claims;
    enum err err = jwt_check(keys, &rules, token, 0, &arena, &claims);
    require(err == ERR_JWT_MALFORMED || err == ERR_JWT_ALGORITHM || err == ERR_JWT_KEY ||
            err == ERR_JWT_SIGNATURE);
    record_arena_free(&arena);
}

static void try_file(struct slice content) {
    const char *fault;
    struct jwt_key_set *set = jwt_key_file_read(content, &fault);
    require((set == NULL) == (fault != NULL));
    require(set == NULL || (set->count > 0 && set->count <= JWT_KEYS_MAX));
    jwt_key_set_destroy(&set);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct jwt_keys *keys;
    static char name[MEMORY_FILE_NAME_BYTES];
    char fault[JWT_KEYS_FAULT_BYTES];
    if (keys == NULL) {
        memory_file(JWKS, strlen(JWKS), name);
        keys = jwt_keys_new(name, fault);
        require(keys != NULL);
    }
    try_token(keys, slice_make((const char *)data, size));
    try_file(slice_make((const char *)data, size));
    return 0;
}
