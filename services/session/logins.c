/* session.logins and session.end_login: the connections of an account, by their logins. */
#include "common/log.h"
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
    size_t ended = pusher_end(self->pusher, ask->account, ask->login);
    log_info("login_ended", "account=%llu connections=%zu", (unsigned long long)ask->account,
             ended);
    call_reply(&call, &(struct done){0});
    return ERR_OK;
}
