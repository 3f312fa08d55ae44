/*
 * auth.enter: a login by a token of the operator's own backend: a JWT, or one that the backend is
 * asked about (`auth_url`).
 *
 * A JWT is checked beside what asks the database: a signature takes no longer than a query. Bad
 * ones are not counted: a signature cannot be guessed.
 */
#include "common/loop.h"
#include "services/auth/auth.h"
#include "services/auth/vouched.h"

static bool is_jwt(const struct auth *auth, struct slice token) {
    size_t dots = 0;
    for (size_t i = 0; i < token.length; i++)
        dots += token.data[i] == '.';
    return auth->callback == NULL || (auth->jwt_keys != NULL && dots == 2);
}

static struct vouched who_asks(const struct auth_enter *ask) {
    return (struct vouched){
        .device = ask->device, .address = ask->address, .transport = ask->transport};
}

/* The client may name somebody beside the token. */
static bool is_named(const struct auth_enter *ask, struct slice id) {
    return ask->id.length == 0 || id_same(ask->id, id);
}

/* --- by a JWT ------------------------------------------------------------------------------- */

static enum err enter_by_jwt(const struct auth *auth, struct db *db, struct record_arena *arena,
                             const struct auth_enter *ask, struct auth_login_reply *reply) {
    const struct vouched_settings *settings = &auth->settings.vouched;
    const struct jwt_rules rules = {.issuer = settings->jwt_issuer,
                                    .audience = settings->jwt_audience,
                                    .skew_s = settings->jwt_skew_s};
    struct jwt_claims claims;
    if (auth->jwt_keys == NULL)
        return ERR_JWT_OFF;
    enum err err = jwt_check(auth->jwt_keys, &rules, ask->token, loop_wall_ms(), arena, &claims);
    if (err != ERR_OK)
        return err;
    if (!is_named(ask, claims.subject))
        return ERR_JWT_SUBJECT;
    struct vouched who = who_asks(ask);
    who.id = claims.subject;
    who.name = claims.name;
    err = vouched_enter(auth, db, arena, &who, reply);
    return err == ERR_BAD_REQUEST || err == ERR_TAKEN ? ERR_JWT_SUBJECT : err;
}

enum err auth_begin_enter(void *context, struct db *db, struct record_arena *arena,
                          const void *body, void **rest_r, void *reply_r) {
    const struct auth *auth = context;
    const struct auth_enter *ask = body;
    const struct auth_login_reply *reply = reply_r;
    if (!is_jwt(auth, ask->token)) {
        *rest_r = record_arena_alloc(arena, sizeof(struct throttle_try));
        return *rest_r == NULL ? ERR_OVERLOADED : ERR_OK;
    }
    enum err err = enter_by_jwt(auth, db, arena, ask, reply_r);
    auth_note_refusal(auth, db, err, reply->account, ask->address, slice_text("by a JWT"));
    return err;
}

/* --- by asking ------------------------------------------------------------------------------ */

size_t auth_enter_pool(const void *rest) {
    (void)rest;
    return AUTH_POOL_CALLBACK;
}

/* A token that is refused counts as a failure of the address: nobody is known to be meant. */
enum err auth_enter_by_asking(const struct auth *auth, struct db *db, struct record_arena *arena,
                              const struct auth_enter *ask, struct throttle_try *attempt,
                              struct auth_login_reply *reply) {
    const struct callback_question question = {
        .user = ask->id, .token = ask->token, .address = ask->address};
    struct vouched who = who_asks(ask);
    struct address_key key;
    if (address_key_make(ask->address, &key))
        attempt->address = slice_make((const char *)key.bytes, sizeof key.bytes);
    if (!throttle_take(auth->throttle, attempt, loop_now_ms()))
        return ERR_THROTTLED;
    enum err err = callback_ask(auth->callback, &question, arena, &who.id, &who.name);
    if (err == ERR_OK && !is_named(ask, who.id))
        err = ERR_BAD_LOGIN;
    if (err != ERR_BAD_LOGIN)
        throttle_give_back(auth->throttle, attempt, false, loop_now_ms());
    return err == ERR_OK ? vouched_enter_answered(auth, db, arena, &who, reply) : err;
}

enum err auth_end_enter(void *context, struct db *db, struct record_arena *arena, const void *body,
                        void *rest, void *reply_r) {
    const struct auth *auth = context;
    const struct auth_enter *ask = body;
    const struct auth_login_reply *reply = reply_r;
    enum err err = auth_enter_by_asking(auth, db, arena, ask, rest, reply_r);
    auth_note_refusal(auth, db, err, reply->account, ask->address, slice_text("by a token"));
    return err;
}
