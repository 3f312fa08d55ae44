/*
 * auth.enter: a login by a JWT of the operator's own backend.
 *
 * It runs beside what asks the database: a signature takes no longer than a query. Failures are not
 * counted: a signature cannot be guessed.
 */
#include "common/loop.h"
#include "services/auth/auth.h"
#include "services/auth/vouched.h"

static enum err check(const struct auth *auth, const struct auth_enter *ask,
                      struct record_arena *arena, struct jwt_claims *claims_r) {
    const struct vouched_settings *settings = &auth->settings.vouched;
    const struct jwt_rules rules = {.issuer = settings->jwt_issuer,
                                    .audience = settings->jwt_audience,
                                    .skew_s = settings->jwt_skew_s};
    if (auth->jwt_keys == NULL)
        return ERR_JWT_OFF;
    enum err err = jwt_check(auth->jwt_keys, &rules, ask->token, loop_wall_ms(), arena, claims_r);
    return err == ERR_OK && ask->id.length > 0 && !id_same(ask->id, claims_r->subject)
               ? ERR_JWT_SUBJECT
               : err;
}

enum err auth_handle_enter(void *context, struct db *db, struct record_arena *arena,
                           const void *body, void *reply_r) {
    const struct auth *auth = context;
    const struct auth_enter *ask = body;
    const struct auth_login_reply *reply = reply_r;
    struct jwt_claims claims = {0};
    enum err err = check(auth, ask, arena, &claims);
    if (err == ERR_OK) {
        const struct vouched who = {.id = claims.subject,
                                    .name = claims.name,
                                    .device = ask->device,
                                    .address = ask->address,
                                    .transport = ask->transport};
        err = vouched_enter(auth, db, arena, &who, reply_r);
        if (err == ERR_BAD_REQUEST || err == ERR_TAKEN)
            err = ERR_JWT_SUBJECT;
    }
    auth_note_refusal(auth, db, err, reply->account, ask->address, slice_text("by a JWT"));
    return err;
}
