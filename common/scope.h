/*
 * What an API key may be used for. A message that has a scope (a line `scope ...` of its table,
 * proto/messages.def) may also be sent by a gateway that shows an API key with that scope.
 */
#ifndef PARLEY_COMMON_SCOPE_H
#define PARLEY_COMMON_SCOPE_H

/* The word is stored with each key, and never changes. */
#define PARLEY_SCOPES(X)                                                                           \
    X(ACCOUNTS, "accounts", "make, show, disable and delete accounts, set passwords")              \
    X(LOGINS, "logins", "make tokens by which clients log in as an account")                       \
    X(GROUPS, "groups", "make, show and dissolve groups, manage their members")                    \
    X(MESSAGES, "messages", "send, read, recall messages as an account")                           \
    X(SYSTEM, "system", "send messages as SYSTEM, to one, a group, or all")                        \
    X(PEOPLE, "people", "requests, friendships and blocks of an account")                          \
    X(SESSIONS, "sessions", "list who is connected, and end connections and logins")               \
    X(FILES, "files", "upload, show and download files")                                           \
    X(AUDIT, "audit", "read who did what")                                                         \
    X(STATUS, "status", "see how the services are, and how full their queues")                     \
    X(HOOKS, "hooks", "list hooks, try them again, end them")

enum scope {
#define X(name, word, text) SCOPE_##name,
    PARLEY_SCOPES(X)
#undef X
        SCOPE_COUNT
};

/* A set of scopes is a number with a bit for each. */
enum scope_bit {
#define X(name, word, text) SCOPE_BIT_##name = 1 << SCOPE_##name,
    PARLEY_SCOPES(X)
#undef X
};

/* Those that a key which acts as one account may have: the others are no account's. */
#define SCOPES_OF_ACCOUNT                                                                          \
    (SCOPE_BIT_LOGINS | SCOPE_BIT_GROUPS | SCOPE_BIT_MESSAGES | SCOPE_BIT_PEOPLE | SCOPE_BIT_FILES)

/* The word of a bit; "" for a number that is none. A static string. */
const char *scope_word(unsigned bit);
/* The bits of words with commas between them; 0: one of them is none, or there is none. */
unsigned scopes_of_words(const char *words, unsigned long length);

#endif
