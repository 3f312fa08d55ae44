/*
 * Files that the user sends and saves, one after the other in the order of the commands.
 *
 * To send one it is announced (323), uploaded to the address of the answer, and shown in the
 * conversation that was open. To save one its message is asked for, whose address is fresh.
 */
#ifndef PARLEY_CTL_CHAT_FILES_H
#define PARLEY_CTL_CHAT_FILES_H

#include "services/ctl/chat/http.h"
#include "services/ctl/chat/state.h"

/* limit: tool | files of `chat` that are sent and saved | {CHAT_FILES_MAX}, one at a time | it
 * reads no more input */
#define CHAT_FILES_MAX 16
/* limit: tool | tries of `chat` to send or save a file | {CHAT_FILE_TRIES}, with pauses from 1 s
 * on, doubled | it is refused */
#define CHAT_FILE_TRIES 6

struct chat_file;

struct chat_files {
    struct chat *chat;
    struct chat_http *http;
    struct chat_file *first;
    size_t count;
    ev_timer again; /* until the next try */
    void (*settle)(struct chat *chat);
};

/* `http` is borrowed, until chat_files_free. `settle` is called after each that has ended. */
void chat_files_init(struct chat_files *self, struct chat *chat, struct chat_http *http,
                     void (*settle)(struct chat *chat));
void chat_files_free(struct chat_files *self);

/* Sends the file at `path` into the open conversation; `caption`: "" for none. What is wrong with
 * it is shown, and counts as a refusal. */
void chat_files_send(struct chat *chat, const char *path, const char *caption);
/* Saves the file that the message `cid` of the open conversation shows, as a new file at `path`. */
void chat_files_save(struct chat *chat, uint64_t cid, const char *path);

/* The answer to a request of theirs: true, it was for them. */
bool chat_files_take(struct chat *chat, const cJSON *message);
/* That request was refused, which was shown. */
void chat_files_refused(struct chat *chat, const char *ref);

bool chat_files_have_room(const struct chat *chat);
/* Whether any waits or is under way; whether bytes are under way, or will be after a pause. */
bool chat_files_wait(const struct chat *chat);
bool chat_files_move(const struct chat *chat);

/* Adds what a message shows beside its words: kind, name, size, address. */
void chat_files_describe(const struct chat *chat, struct buffer *line, const cJSON *message);

#endif
