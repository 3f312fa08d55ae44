/* Standard input, line by line; see input.h. */
#include "services/ctl/chat/input.h"

#include <errno.h>
#include <unistd.h>

#include "proto/messages.h"
#include "services/ctl/chat/commands.h"
#include "services/ctl/chat/files.h"

/* limit: tool | a line that `chat` reads | {TYPED_MAX_BYTES} | it is not sent, which is a refusal
 */
/* A text, and a command before it. */
#define TYPED_MAX_BYTES ((size_t)TEXT_MAX_BYTES + 512)

/* A command may make one request; one place is for the log-out, one for the next file. */
static bool has_room(const struct chat *chat) {
    return chat->requests.count + 3 <= CHAT_REQUESTS_MAX && chat_files_have_room(chat);
}

static void take_last(struct chat_input *self) {
    struct slice line;
    ev_io_stop(self->chat->ev, &self->reads);
    if (!self->chat->leaving && chat_lines_last(&self->lines, &line))
        chat_commands_take(self->chat, line);
    self->ended(self->chat);
}

static void on_readable(struct ev_loop *ev, ev_io *io, int revents) {
    (void)ev;
    (void)revents;
    struct chat_input *self = io->data;
    ssize_t length = read(STDIN_FILENO, self->bytes, sizeof self->bytes);
    if (length < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (length <= 0) { /* a terminal that is gone is an end, too */
        take_last(self);
        return;
    }
    self->rest = slice_make(self->bytes, (size_t)length);
    chat_input_go(self);
}

void chat_input_go(struct chat_input *self) {
    struct chat *chat = self->chat;
    struct slice line;
    enum chat_lines_result result = CHAT_LINES_MORE;
    bool ended = chat->leaving;
    while (!chat->leaving && has_room(chat) &&
           (result = chat_lines_next(&self->lines, &self->rest, &line)) != CHAT_LINES_MORE) {
        if (result == CHAT_LINES_LINE)
            chat_commands_take(chat, line);
        else
            chat_refuse(chat, NULL, "the line is too long");
    }
    if (chat->leaving || !has_room(chat))
        ev_io_stop(chat->ev, &self->reads);
    else
        ev_io_start(chat->ev, &self->reads);
    if (chat->leaving && !ended)
        self->ended(chat);
}

void chat_input_init(struct chat_input *self, struct chat *chat, void (*ended)(struct chat *chat)) {
    *self = (struct chat_input){.chat = chat, .ended = ended};
    chat_lines_init(&self->lines, TYPED_MAX_BYTES);
    ev_io_init(&self->reads, on_readable, STDIN_FILENO, EV_READ);
    self->reads.data = self;
}

void chat_input_free(struct chat_input *self) {
    ev_io_stop(self->chat->ev, &self->reads);
    chat_lines_free(&self->lines);
}
