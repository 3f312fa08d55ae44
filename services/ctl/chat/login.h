/*
 * Registering, logging in, and resuming the login on a new connection (317).
 */
#ifndef PARLEY_CTL_CHAT_LOGIN_H
#define PARLEY_CTL_CHAT_LOGIN_H

#include "services/ctl/chat/state.h"

enum chat_login_result {
    CHAT_LOGIN_NONE, /* the message is something else */
    CHAT_LOGIN_GOES_ON,
    CHAT_LOGIN_DONE,
    CHAT_LOGIN_AGAIN,  /* the server can't do it now: try again on another connection */
    CHAT_LOGIN_REFUSED /* for good, `reason_r` says why; or needs_password is set */
};

/* On a connection that has just opened. */
void chat_login_begin(struct chat *chat);
enum chat_login_result chat_login_take(struct chat *chat, const cJSON *message,
                                       const char **reason_r);
/* Whether a request with this error may be sent again as it is, later. */
bool chat_login_is_busy(const char *error);

#endif
