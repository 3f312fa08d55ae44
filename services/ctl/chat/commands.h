/*
 * The user's input: texts for the open conversation, and commands, which begin with a slash.
 */
#ifndef PARLEY_CTL_CHAT_COMMANDS_H
#define PARLEY_CTL_CHAT_COMMANDS_H

#include "services/ctl/chat/state.h"

/* One line, without its end. Whatever is wrong with it is shown, and counts as a refusal. */
void chat_commands_take(struct chat *chat, struct slice line);
/* Opens a conversation: lines without a command go there, and messages that arrive there count as
 * read. */
void chat_commands_open(struct chat *chat, bool group, const char *id);

/* The rows of the table, for tests: a name, the arguments, and the help text; false behind the
 * last. */
bool chat_commands_row(size_t index, const char **name_r, const char **arguments_r,
                       const char **help_r);

#endif
