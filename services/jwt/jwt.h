/*
 * Whether a JWT is good, and whom it names.
 *
 *     struct jwt_claims claims;
 *     enum err err = jwt_check(keys, &rules, token, loop_wall_ms(), arena, &claims);
 *
 * A token is three parts in base64url: header, claims, signature (RFC 7515, compact). What the
 * header says of where a key is (`jwk`, `jku`, `x5c`, `x5u`) is never looked at, `crit` is refused.
 * Each fault has its error:
 *
 * ERR_JWT_MALFORMED: no such three parts, no JSON objects, a key twice in one, `crit`.
 * ERR_JWT_ALGORITHM, ERR_JWT_KEY, ERR_JWT_SIGNATURE: as jwt_keys_verify; `none`, or any `alg` that
 * is none of the four.
 * ERR_JWT_CLAIMS: `exp` or `sub` is missing, or one that is looked at has the wrong type.
 * ERR_JWT_EXPIRED: `exp` is over. ERR_JWT_EARLY: `nbf` or `iat` is in the future.
 * ERR_JWT_ISSUER: `iss` is not the one that is wanted. ERR_JWT_AUDIENCE: neither is `aud`, or it is
 * there and none is wanted.
 */
#ifndef PARLEY_JWT_H
#define PARLEY_JWT_H

#include "services/jwt/jwt_keys.h"

struct jwt_rules {
    const char *issuer;   /* "": any or none */
    const char *audience; /* "": the token must have none */
    uint64_t skew_s;      /* how far clocks may be apart */
};

/* In the arena. */
struct jwt_claims {
    struct slice subject; /* `sub`, not empty */
    struct slice name;    /* `name`, may be empty */
};

/* `now_ms`: since 1970. */
enum err jwt_check(struct jwt_keys *keys, const struct jwt_rules *rules, struct slice token,
                   int64_t now_ms, struct record_arena *arena, struct jwt_claims *claims_r)
    __attribute__((warn_unused_result));

#endif
