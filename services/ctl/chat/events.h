/*
 * Messages that the server sends by itself: texts, notices, changes and marks, as lines for the
 * user.
 */
#ifndef PARLEY_CTL_CHAT_EVENTS_H
#define PARLEY_CTL_CHAT_EVENTS_H

#include "services/ctl/chat/state.h"

/* One that has just arrived: shows it unless it is a repeat, and notes it to be confirmed. */
void chat_events_take(struct chat *chat, const cJSON *message);
/* One of an answer (history, search), in the form in which it would have arrived. */
void chat_events_show(struct chat *chat, const cJSON *message);
/* The conversation that an entry belongs to; false when none can be made out. */
bool chat_events_peer(const struct chat *chat, const cJSON *message, struct chat_peer *peer_r);

#endif
