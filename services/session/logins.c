/* session.logins and session.end_login: the connections of an account, by their logins. */
#include "common/log.h"
#include "common/loop.h"
#include "services/session/session.h"

enum err session_handle_logins(void *context, struct call *call, const void *body) {
    const struct session *self = context;
    const struct session_logins *ask = body;
    struct session_logins_reply reply = {
        .logins.items =
            record_arena_alloc(call_arena(call), SESSION_LOGINS_MAX * sizeof(uint64_t))};
    if (reply.logins.items == NULL)
        return ERR_OVERLOADED;
    const struct binding *b = directory_first(self->directory, ask->account);
    for (; b != NULL && reply.logins.count < SESSION_LOGINS_MAX;
         b = directory_next(self->directory, b))
        if (!b->unconfirmed && !b->stay.leaving && b->stay.login != 0)
            reply.logins.items[reply.logins.count++] = b->stay.login;
    call_reply(&call, &reply);
    return ERR_OK;
}

enum err session_handle_end_login(void *context, struct call *call, const void *body) {
    struct session *self = context;
    const struct session_end_login *ask = body;
    if (ask->login == 0)
        return ERR_BAD_REQUEST;
    endings_note(self->endings, &(struct ending){.account = ask->account,
                                                 .login = ask->login,
                                                 .cause = KICK_ENDED,
                                                 .at_ms = loop_now_ms()});
    size_t ended = pusher_kick(self->pusher, ask->account, ask->login,
                               (struct gateway_kick){.cause = KICK_ENDED});
    log_info("login_ended", "account=%llu connections=%zu", (unsigned long long)ask->account,
             ended);
    call_reply(&call, &(struct done){0});
    return ERR_OK;
}
