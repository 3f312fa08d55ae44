/*
 * Answers with content (304, 306, 308, 310, 312, 332), as lines for the user.
 */
#ifndef PARLEY_CTL_CHAT_ANSWERS_H
#define PARLEY_CTL_CHAT_ANSWERS_H

#include "services/ctl/chat/state.h"

/* False when `answer` is no such answer. */
bool chat_answers_show(struct chat *chat, const cJSON *answer);

#endif
