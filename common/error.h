/*
 * The errors that a request between services can end with.
 *
 * A handler returns one of these; the dispatcher turns it into an error reply that carries the
 * stable word and the text, and a dialect turns the word into what its clients see. Words are part
 * of the internal protocol and of the `300` answers that clients get: they are never renamed.
 */
#ifndef PARLEY_COMMON_ERROR_H
#define PARLEY_COMMON_ERROR_H

#define PARLEY_ERRORS(X)                                                                           \
    X(OK, "ok", "done")                                                                            \
    X(INTERNAL, "internal", "something went wrong on the server")                                  \
    X(UNAVAILABLE, "unavailable", "the server cannot do that just now, try again")                 \
    X(TIMEOUT, "timeout", "the server took too long, try again")                                   \
    X(UNKNOWN_OUTCOME, "unknown_outcome",                                                          \
      "the server cannot tell whether that was done, look before you try again")                   \
    X(OVERLOADED, "overloaded", "the server is busy, try again")                                   \
    X(BAD_REQUEST, "bad_request", "the request is malformed")                                      \
    X(UNKNOWN_MESSAGE, "unknown_message", "there is no such message")                              \
    X(FORBIDDEN, "forbidden", "this program may not send that message")                            \
    X(BAD_LOGIN, "bad_login", "the account or the password is wrong")                              \
    X(PASSWORD_NEEDED, "password_needed", "this account needs its password")                       \
    X(DISABLED, "disabled", "the account is disabled")                                             \
    X(BAD_TOKEN, "bad_token", "the token is not valid any more, log in again")                     \
    X(BAD_API_KEY, "bad_api_key", "there is no such API key, or it has expired")                   \
    X(TAKEN, "taken", "that id is taken")                                                          \
    X(EMAIL_TAKEN, "email_taken", "that e-mail address is taken")                                  \
    X(NO_ACCOUNT, "no_account", "there is no such account")                                        \
    X(NO_GROUP, "no_group", "there is no such group")                                              \
    X(NOT_MEMBER, "not_member", "the account is not a member of the group")                        \
    X(ALREADY_MEMBER, "already_member", "the account is a member of the group already")            \
    X(NO_REQUEST, "no_request", "there is no such request, or it is answered already")             \
    X(ALREADY_FRIENDS, "already_friends", "the two are friends already")                           \
    X(NOT_FRIENDS, "not_friends", "the two are not friends")                                       \
    X(ALREADY_ADMIN, "already_admin", "the account is an administrator of the group already")      \
    X(NOT_ADMIN, "not_admin", "the account is not an administrator of the group")                  \
    X(OWNER_STAYS, "owner_stays", "the owner cannot leave the group, only dissolve it")            \
    X(NOT_ALLOWED, "not_allowed", "the account may not do that")                                   \
    X(NO_MESSAGE, "no_message", "there is no message with that cid yet")                           \
    X(BLOCKED, "blocked", "the recipient does not take messages from this account")                \
    X(BANNED, "banned", "the account is banned from the group")                                    \
    X(MUTED, "muted", "the account is muted in the group")                                         \
    X(SLOW_MODE, "slow_mode", "the group lets its members write only once in a while")             \
    X(TO_ONESELF, "to_oneself", "an account cannot do that with itself")                           \
    X(THROTTLED, "throttled", "too many attempts, wait a moment")                                  \
    X(TOO_MANY, "too_many", "a limit is reached")                                                  \
    X(REF_USED, "ref_used", "the ref was used for another request")                                \
    X(BAD_MENTION, "bad_mention", "an account that is mentioned is not in the conversation")       \
    X(TOO_LATE, "too_late", "it is too late for that")                                             \
    X(REGISTRATION_CLOSED, "registration_closed",                                                  \
      "this server makes no accounts for those who ask: its operator does")                        \
    X(REGISTRATION_TOKEN, "registration_token",                                                    \
      "registering here needs a valid registration_token: ask the server's operator for one")      \
    X(STRANGERS, "strangers", "the two are not friends: ask for friendship first")                 \
    X(NO_FILE, "no_file", "there is no such file, or the account may not use it")                  \
    X(NO_HOOK, "no_hook", "there is no hook of that name")                                         \
    X(BAD_FILE, "bad_file", "the bytes are not those that were announced")                         \
    X(FILE_TOO_LARGE, "file_too_large", "the file is larger than files may be here")               \
    X(QUOTA, "quota", "the account's files take as much room as they may")                         \
    X(STORE_FULL, "store_full", "the server has no room for files just now")                       \
    X(WRONG_OFFSET, "wrong_offset", "the upload goes on at another offset")                        \
    X(JWT_OFF, "jwt_off", "this server takes no JWT")                                              \
    X(JWT_MALFORMED, "jwt_malformed", "the JWT is malformed")                                      \
    X(JWT_ALGORITHM, "jwt_algorithm", "the JWT's alg is not that of its key")                      \
    X(JWT_KEY, "jwt_key", "this server has no key for that JWT")                                   \
    X(JWT_SIGNATURE, "jwt_signature", "the JWT's signature is wrong")                              \
    X(JWT_CLAIMS, "jwt_claims", "the JWT lacks exp or sub, or one of its claims has a wrong type") \
    X(JWT_EXPIRED, "jwt_expired", "the JWT has expired")                                           \
    X(JWT_EARLY, "jwt_early", "the JWT is not valid yet")                                          \
    X(JWT_ISSUER, "jwt_issuer", "the JWT is not by the issuer whose users log in here")            \
    X(JWT_AUDIENCE, "jwt_audience", "the JWT is meant for another server")                         \
    X(JWT_SUBJECT, "jwt_subject",                                                                  \
      "the JWT's sub or name cannot be an id or nickname here, or is another than the login's")    \
    X(OWN_LOGIN, "own_login", "that account has a login of its own on this server")                \
    X(NO_BACKEND, "no_backend", "the backend that knows this login cannot be asked just now")      \
    X(REFUSED, "refused", "this server does not take that message")                                \
    X(NOT_CHECKED, "not_checked",                                                                  \
      "this server checks messages, and cannot check that one just now, try again later")

enum err {
#define X(name, word, text) ERR_##name,
    PARLEY_ERRORS(X)
#undef X
        ERR_COUNT
};

/* The stable word of an error, such as "not_member"; a static string. For a number that is no error
 * it is that of ERR_INTERNAL, here and below. */
const char *err_word(enum err err);

/* One sentence in plain English, without a full stop; a static string. */
const char *err_text(enum err err);

/* The error of the stable word of `length` bytes; ERR_INTERNAL for one that this build does not
 * know. `word` needs no 0 at its end, and may be NULL when `length` is 0. */
enum err err_from_word(const char *word, unsigned long length);

#endif
