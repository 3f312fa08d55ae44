/*
 * Lines of standard input, typed or from a pipe: read no faster than the server answers.
 */
#ifndef PARLEY_CTL_CHAT_INPUT_H
#define PARLEY_CTL_CHAT_INPUT_H

#include <ev.h>

#include "services/ctl/chat/lines.h"
#include "services/ctl/chat/state.h"

#define CHAT_INPUT_BYTES 4096

struct chat_input {
    struct chat *chat;
    void (*ended)(struct chat *chat);
    ev_io reads;
    struct chat_lines lines;
    struct slice rest; /* read, and not taken yet */
    char bytes[CHAT_INPUT_BYTES];
};

/* `ended` is called once the input is at its end, or the user leaves. */
void chat_input_init(struct chat_input *self, struct chat *chat, void (*ended)(struct chat *chat));
void chat_input_free(struct chat_input *self);
/* Takes as many lines as it can and reads on; called again after each answer. */
void chat_input_go(struct chat_input *self);

#endif
