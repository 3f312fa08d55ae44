/*
 * A password that is asked for at the terminal, or stands in a file.
 */
#ifndef PARLEY_CTL_CHAT_PASSWORD_H
#define PARLEY_CTL_CHAT_PASSWORD_H

#include <stdbool.h>

/* limit: tool | a password of `chat` | {CHAT_PASSWORD_BYTES}, its end included | exit status 1 */
#define CHAT_PASSWORD_BYTES 257

/* Asks at the terminal, without showing the input. False: there is no terminal, or the user ended
 * it by Ctrl-C or Ctrl-D. */
bool chat_password_ask(const char *question, char password_r[CHAT_PASSWORD_BYTES]);
/* The first line of a file. False: it cannot be read, or is too long. */
bool chat_password_read(const char *path, char password_r[CHAT_PASSWORD_BYTES]);

#endif
