/* Marks of conversations; see marks.h. */
#include "services/ctl/chat/marks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

/*
 * limit: tool | conversations of which `chat` knows how far they are | {MARKS_MAX} | the one
 * without news for longest is forgotten; a repeat in it is shown again
 */
#define MARKS_MAX 4096

struct chat_mark {
    char key[CHAT_ID_BYTES + 1]; /* 'g' or 'u', and the id */
    struct chat_peer peer;
    uint64_t seen, shown;     /* live; in history */
    uint64_t own;             /* stored here last */
    uint64_t confirmed, read; /* as the server knows them */
    UT_hash_handle hh;
};

bool chat_peer_equal(const struct chat_peer *a, const struct chat_peer *b) {
    return a->group == b->group && strcmp(a->id, b->id) == 0;
}

static struct chat_mark *find(struct chat_marks *self, const char *key) {
    struct chat_mark *mark = NULL;
    HASH_FIND_STR(self->all, key, mark);
    return mark;
}

/* The conversation's mark, as the one that was used last; NULL without memory. */
static struct chat_mark *touch(struct chat_marks *self, const struct chat_peer *peer) {
    char key[CHAT_ID_BYTES + 1];
    snprintf(key, sizeof key, "%c%s", peer->group ? 'g' : 'u', peer->id);
    struct chat_mark *mark = find(self, key);
    if (mark != NULL) {
        HASH_DEL(self->all, mark);
    } else if ((mark = calloc(1, sizeof *mark)) != NULL) {
        memcpy(mark->key, key, sizeof key);
        mark->peer = *peer;
    } else {
        return NULL;
    }
    if (HASH_COUNT(self->all) == MARKS_MAX) {
        struct chat_mark *oldest = self->all;
        HASH_DEL(self->all, oldest);
        free(oldest);
    }
    HASH_ADD_STR(self->all, key, mark);
    return mark;
}

bool chat_marks_see(struct chat_marks *self, const struct chat_peer *peer, uint64_t cid) {
    struct chat_mark *mark = touch(self, peer);
    if (mark == NULL)
        return true;
    if (cid <= mark->seen) {
        /* A confirmation on the connection before may not have reached the server. */
        if (cid <= mark->confirmed)
            mark->confirmed = cid - 1;
        return false;
    }
    mark->seen = cid;
    return true;
}

void chat_marks_show(struct chat_marks *self, const struct chat_peer *peer, uint64_t cid) {
    struct chat_mark *mark = touch(self, peer);
    if (mark != NULL && cid > mark->shown)
        mark->shown = cid;
}

void chat_marks_own(struct chat_marks *self, const struct chat_peer *peer, uint64_t cid) {
    struct chat_mark *mark = touch(self, peer);
    if (mark != NULL && cid > mark->own)
        mark->own = cid;
}

bool chat_marks_complete(const struct chat_marks *self) {
    for (const struct chat_mark *mark = self->all; mark != NULL; mark = mark->hh.next)
        if (mark->seen < mark->own)
            return false;
    return true;
}

void chat_marks_flush(struct chat_marks *self, const struct chat_peer *open, chat_marks_send *send,
                      void *argument) {
    struct chat_mark *mark, *next;
    HASH_ITER(hh, self->all, mark, next) {
        uint64_t read = mark->seen == 0 ? mark->shown : mark->seen;
        if (chat_peer_equal(&mark->peer, open) && read > mark->read) {
            if (!send(argument, 302, &mark->peer, read))
                return;
            mark->read = mark->confirmed = read;
        } else if (mark->seen > mark->confirmed) {
            if (!send(argument, 301, &mark->peer, mark->seen))
                return;
            mark->confirmed = mark->seen;
        }
    }
}

void chat_marks_clear(struct chat_marks *self) {
    struct chat_mark *mark, *next;
    HASH_ITER(hh, self->all, mark, next) {
        HASH_DEL(self->all, mark);
        free(mark);
    }
}
