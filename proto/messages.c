/* The descriptions of all internal messages; see messages.def. */
#include "proto/messages.h"

#define X(name_, fields_, help_) RECORD_DEFINE(name_, fields_, help_)
RECORDS(X)
#undef X

#define X_REQUEST(id_, name_, body_, reply_, help_)                                                \
    const struct message_desc message_##id_ = {name_, &body_##_desc, &reply_##_desc, help_};
#define X_EVENT(id_, name_, body_, help_)                                                          \
    const struct message_desc message_##id_ = {name_, &body_##_desc, NULL, help_};
MESSAGES(X_REQUEST, X_EVENT)
#undef X_REQUEST
#undef X_EVENT

#define X_REQUEST(id_, name_, body_, reply_, help_) &message_##id_,
#define X_EVENT(id_, name_, body_, help_) &message_##id_,
const struct message_desc *const messages_all[] = {MESSAGES(X_REQUEST, X_EVENT)};
const size_t messages_all_count = sizeof messages_all / sizeof messages_all[0];
