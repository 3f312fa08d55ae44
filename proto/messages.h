/*
 * The internal messages as C structures and descriptions, made from messages.def.
 *
 * `struct auth_login` travels as the body of the message `message_AUTH_LOGIN`; see common/record.h
 * for packing and for who owns what.
 */
#ifndef PARLEY_PROTO_MESSAGES_H
#define PARLEY_PROTO_MESSAGES_H

#include "common/record_define.h"
#include "proto/ids.h"
#include "proto/messages.def"

#define X(name_, fields_, help_) RECORD_STRUCT(name_, fields_)
RECORDS(X)
#undef X

#define X_REQUEST(id_, name_, body_, reply_, help_) extern const struct message_desc message_##id_;
#define X_EVENT(id_, name_, body_, help_) extern const struct message_desc message_##id_;
MESSAGES(X_REQUEST, X_EVENT)
#undef X_REQUEST
#undef X_EVENT

/* All of them, in the order of messages.def. */
extern const struct message_desc *const messages_all[];
extern const size_t messages_all_count;

/*
 * What an entry of the log is, and whose conversation it stands in. Numbers are stored: never
 * change one. `subject` is the account that it is about, `to` the group.
 */
enum entry_type {
    ENTRY_TEXT = 0,
    ENTRY_JOINED = 1,          /* group: subject is a member now; `text` is the group's name */
    ENTRY_LEFT = 2,            /* group: subject left */
    ENTRY_REMOVED = 3,         /* group: `from` removed subject */
    ENTRY_ADMIN_ADDED = 4,     /* subject's own: is an administrator of `to` now */
    ENTRY_ADMIN_REMOVED = 5,   /* subject's own: is none any more */
    ENTRY_DISSOLVED = 6,       /* group: it is no more */
    ENTRY_GROUP_RENAMED = 7,   /* group: `text` is its name now */
    ENTRY_RENAMED = 8,         /* subject's own, and friends': `text` is its nickname now */
    ENTRY_FRIEND_REQUEST = 9,  /* subject's own: `from` asks for friendship */
    ENTRY_FRIEND_ANSWER = 10,  /* subject's own: `from` accepted its request, or not */
    ENTRY_FRIEND_REMOVED = 11, /* subject's own: `from` ended the friendship */
    ENTRY_JOIN_REQUEST = 12,   /* an administrator's own: subject asks to join `to` */
    ENTRY_JOIN_REFUSED = 13,   /* subject's own: `from` refused its request to join `to` */
    ENTRY_SYSTEM = 14,         /* anywhere: the operator's message */
    /* Not stored (cid 0). */
    ENTRY_FRIEND_ONLINE = 32,
    ENTRY_FRIEND_OFFLINE = 33,
    ENTRY_MEMBER_ONLINE = 34, /* of `to` */
    ENTRY_MEMBER_OFFLINE = 35,
};

/* Why a connection is to be closed (gateway.kick). */
enum kick_cause {
    KICK_OPERATOR = 0, /* wants it so */
    KICK_RESUMED = 1,  /* its login goes on elsewhere */
    KICK_CROWDED = 2,  /* another one of the account came, and this was heard of least recently */
};

/* Conversation ids. */
#define CONVERSATION_KIND_SHIFT 60
enum conversation_kind {
    CONVERSATION_PAIR = 0,      /* allocated */
    CONVERSATION_GROUP = 1,     /* low bits: the group's number */
    CONVERSATION_SELF = 2,      /* low bits: the account's number; its own notices */
    CONVERSATION_BROADCAST = 3, /* low bits: 0 */
};
static inline enum conversation_kind conversation_kind(uint64_t conversation) {
    return (enum conversation_kind)(conversation >> CONVERSATION_KIND_SHIFT & 3);
}
static inline uint64_t conversation_of_group(uint64_t group) {
    return (uint64_t)CONVERSATION_GROUP << CONVERSATION_KIND_SHIFT | group;
}
static inline uint64_t conversation_of_account(uint64_t account) {
    return (uint64_t)CONVERSATION_SELF << CONVERSATION_KIND_SHIFT | account;
}
#define CONVERSATION_OF_ALL ((uint64_t)CONVERSATION_BROADCAST << CONVERSATION_KIND_SHIFT)
static inline uint64_t conversation_low_bits(uint64_t conversation) {
    return conversation & (((uint64_t)1 << CONVERSATION_KIND_SHIFT) - 1);
}

#endif
