/*
 * How far each conversation has arrived here: drops repeats, and confirms entries (301) or reports
 * them as read (302), once a second.
 *
 *     if (chat_marks_see(&marks, peer, cid)) ... show it; else it is a repeat
 *     chat_marks_flush(&marks, &open, send, argument);
 */
#ifndef PARLEY_CTL_CHAT_MARKS_H
#define PARLEY_CTL_CHAT_MARKS_H

#include <stdbool.h>
#include <stdint.h>

/* An id in any normal form that the server sends, with its end. */
#define CHAT_ID_BYTES 256

/* A conversation: a person's (this account's own notices: its own id) or a group's. */
struct chat_peer {
    bool group;
    char id[CHAT_ID_BYTES]; /* "": none */
};

struct chat_mark;
struct chat_marks {
    struct chat_mark *all; /* the one that was used last at the end */
};

/* Something with this cid is here, live. False: it was here before. */
bool chat_marks_see(struct chat_marks *self, const struct chat_peer *peer, uint64_t cid);
/* A text of one's own is stored under this cid; its copy will be seen, or was. */
void chat_marks_own(struct chat_marks *self, const struct chat_peer *peer, uint64_t cid);
/* Whether all those copies were seen. */
bool chat_marks_complete(const struct chat_marks *self);
/* History up to this cid was shown. It counts as read where nothing has arrived live: else entries
 * that are still on their way would be left out. */
void chat_marks_show(struct chat_marks *self, const struct chat_peer *peer, uint64_t cid);

/* Sends the changes: `number` is 302 for the `open` conversation, 301 for all others. Stops when
 * `send` returns false; the rest stays for the next time. */
typedef bool chat_marks_send(void *argument, int number, const struct chat_peer *peer,
                             uint64_t cid);
void chat_marks_flush(struct chat_marks *self, const struct chat_peer *open, chat_marks_send *send,
                      void *argument);
/* Begins anew: after another `epoch`, and at the end. */
void chat_marks_clear(struct chat_marks *self);

bool chat_peer_equal(const struct chat_peer *a, const struct chat_peer *b);

#endif
