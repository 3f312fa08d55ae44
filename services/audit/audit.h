/*
 * Who did what: for each event a line at `info` and a row of the table `audit`.
 *
 *     err = audit_add(db, &entry);        the row, in whatever transaction is open, and where hooks
 *                                         are told of it one in the journal (journal.h)
 *     ... commit
 *     audit_log(&entry);                  the line, once it has happened
 *
 *     audit_note(db, &entry);             both, of what has happened already: a row that cannot be
 *                                         written is reported, and nothing fails with it
 *
 * The trace is that of the request in hand, so that the logs of all services tell the rest. Of
 * logins that are refused, an attacker makes as many as it likes: audit_allows bounds these.
 */
#ifndef PARLEY_AUDIT_H
#define PARLEY_AUDIT_H

#include <stdatomic.h>

#include "common/db.h"

#define AUDIT_EVENTS(X)                                                                            \
    X(LOGIN_REFUSED, "login_refused")                                                              \
    X(LOGIN_THROTTLED, "login_throttled")                                                          \
    X(ACCOUNT_MADE, "account_made")                                                                \
    X(ACCOUNT_DISABLED, "account_disabled")                                                        \
    X(ACCOUNT_ENABLED, "account_enabled")                                                          \
    X(ACCOUNT_DELETED, "account_deleted")                                                          \
    X(PASSWORD_CHANGED, "password_changed")                                                        \
    X(GROUP_MADE, "group_made")                                                                    \
    X(GROUP_DISSOLVED, "group_dissolved")                                                          \
    X(ROLE_CHANGED, "role_changed")                                                                \
    X(API_KEY, "api_key")                                                                          \
    X(OPERATOR, "operator")

enum audit_event {
    AUDIT_NONE,
#define AUDIT_ENUM(name_, word_) AUDIT_##name_,
    AUDIT_EVENTS(AUDIT_ENUM)
#undef AUDIT_ENUM
        AUDIT_EVENT_COUNT
};

/*
 * limit: service | refused and throttled logins that the audit takes | {AUDIT_REFUSED_PER_S} a
 * second, for each instance of auth | not in the audit; counted as before
 */
#define AUDIT_REFUSED_PER_S 20
/* limit: tool | a detail in the audit | {AUDIT_DETAIL_BYTES} | cut */
/* Bytes of a detail; a longer one is cut. */
#define AUDIT_DETAIL_BYTES 255

struct audit_entry {
    enum audit_event event;
    uint64_t account;     /* who did it; 0: the operator, or not known */
    uint64_t subject;     /* the account or group that it was done to; 0: none */
    struct slice address; /* the client's host, where it is known */
    struct slice detail;  /* UTF-8; for people */
};

enum err audit_add(struct db *db, const struct audit_entry *entry)
    __attribute__((warn_unused_result));
void audit_log(const struct audit_entry *entry);
void audit_note(struct db *db, const struct audit_entry *entry);

/* How many refused logins this second has had; all 0 at first. Threads share it. */
struct audit_rate {
    _Atomic uint64_t state;
};
/* Whether one more may go into the audit now. */
bool audit_allows(struct audit_rate *rate, int64_t now_ms);

#endif
