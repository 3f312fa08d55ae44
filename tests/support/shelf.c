/* A played files service, and clients that speak HTTP; see shelf.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/shelf.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "services/gateway/file_address.h"

static const char key[] = "0123456789abcdef0123456789abcdef";

static struct file file_of(const struct shelf *self) {
    return (struct file){.id = SHELF_FILE,
                         .name = slice_text(self->name),
                         .mime = slice_text(self->mime),
                         .size = self->size,
                         .preview = self->preview};
}

static bool has_key(struct stage *stage) {
    return strstr(service_process_output(stage->gateway), " event=file_key ") != NULL;
}

struct shelf shelf_open(struct stage *stage, uint64_t size) {
    struct shelf self = {.stage = stage,
                         .bytes = buffer_make((size_t)size),
                         .size = size,
                         .name = "caf\xc3\xa9.jpg",
                         .mime = "image/jpeg"};
    stage_play(stage, FILES);
    SHELF_UNTIL(&self, has_key(stage));
    return self;
}

void shelf_close(struct shelf *self) { buffer_free(&self->bytes); }

char shelf_byte(uint64_t at) { return (char)(at * 2654435761U >> 13); }

void shelf_fill(struct shelf *self) {
    for (uint64_t at = self->bytes.length; at < self->size; at++) {
        char byte = shelf_byte(at);
        assert_int_equal(buffer_add(&self->bytes, &byte, 1), 0);
    }
    self->finished = true;
}

static void answer(struct asked *asked, enum err *err, const void *reply) {
    enum err now = *err;
    *err = ERR_OK;
    if (now == ERR_OK)
        played_answer(&asked, reply);
    else
        played_refuse(&asked, now);
}

static enum err upload_err(uint64_t file, struct slice token) {
    return file == SHELF_FILE && slice_equal(token, slice_text(SHELF_TOKEN)) ? ERR_OK : ERR_NO_FILE;
}

static void take_uploads(struct shelf *self, struct played *files) {
    struct asked *asked;
    struct files_state state;
    struct files_append append;
    struct files_finish finish;
    struct files_abandon abandon;
    while ((asked = played_take(files, &message_FILES_STATE, &state)) != NULL) {
        enum err err = upload_err(state.file, state.token);
        const struct upload_state reply = {
            .size = self->size, .offset = self->bytes.length, .finished = self->finished};
        answer(asked, &err, &reply);
    }
    while (!self->deaf && (asked = played_take(files, &message_FILES_APPEND, &append)) != NULL) {
        enum err err = upload_err(append.file, append.token);
        assert_int_equal(err, ERR_OK);
        self->appends++;
        if (append.data.length > self->largest)
            self->largest = append.data.length;
        if (append.offset != self->bytes.length && self->append_err == ERR_OK)
            self->append_err = ERR_WRONG_OFFSET;
        if (self->append_err == ERR_OK)
            assert_int_equal(buffer_add(&self->bytes, append.data.data, append.data.length), 0);
        const struct files_append_reply reply = {.offset = self->bytes.length};
        answer(asked, &self->append_err, &reply);
    }
    while ((asked = played_take(files, &message_FILES_FINISH, &finish)) != NULL) {
        const struct file reply = file_of(self);
        self->finishes++;
        assert_int_equal(self->bytes.length, self->size);
        if (self->finish_err == ERR_BAD_FILE)
            buffer_clear(&self->bytes);
        self->finished = self->finish_err == ERR_OK;
        answer(asked, &self->finish_err, &reply);
    }
    while ((asked = played_take(files, &message_FILES_ABANDON, &abandon)) != NULL) {
        enum err err = upload_err(abandon.file, abandon.token);
        self->abandons++;
        answer(asked, &err, NULL);
    }
}

void shelf_turn(struct shelf *self) {
    struct played *files = self->stage->played[FILES];
    struct asked *asked;
    struct files_key wanted;
    struct files_find find;
    struct files_read read;
    if (files == NULL)
        return;
    while ((asked = played_take(files, &message_FILES_KEY, &wanted)) != NULL) {
        const struct files_key_reply reply = {.key = slice_text(key)};
        played_answer(&asked, &reply);
    }
    take_uploads(self, files);
    while ((asked = played_take(files, &message_FILES_FIND, &find)) != NULL) {
        const struct file reply = file_of(self);
        if (find.file != SHELF_FILE || !self->finished)
            self->find_err = ERR_NO_FILE;
        answer(asked, &self->find_err, &reply);
    }
    while (!self->deaf && (asked = played_take(files, &message_FILES_READ, &read)) != NULL) {
        uint64_t size = read.preview ? self->preview : self->size;
        assert_true(read.offset < size && read.length > 0);
        if (read.length > self->largest)
            self->largest = read.length;
        if (read.length > size - read.offset)
            read.length = size - read.offset;
        const struct files_read_reply reply = {
            .data = slice_make(self->bytes.data + read.offset, read.length)};
        self->reads++;
        answer(asked, &self->read_err, &reply);
    }
}

const char *shelf_address(bool preview, uint64_t now_ms) {
    static char out[FILE_ADDRESS_BYTES];
    struct file_address *address = file_address_new("");
    assert_non_null(address);
    file_address_set_key(address, slice_text(key));
    assert_true(file_address_write(address, SHELF_FILE, preview, slice_text("a b.jpg"), now_ms, out,
                                   sizeof out));
    file_address_destroy(&address);
    return out;
}

/* --- clients --- */

struct web *web_open(struct stage *stage) {
    struct web *self = calloc(1, sizeof *self);
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons(stage->http_port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_non_null(self);
    self->stage = stage;
    self->fd = socket(AF_INET, SOCK_STREAM, 0);
    self->in = buffer_make((size_t)64 << 20);
    assert_int_equal(connect(self->fd, (struct sockaddr *)&at, sizeof at), 0);
    fcntl(self->fd, F_SETFL, O_NONBLOCK);
    return self;
}

void web_close(struct web **self) {
    close((*self)->fd);
    buffer_free(&(*self)->in);
    free(*self);
    *self = NULL;
}

size_t web_write_some(struct web *self, const char *bytes, size_t length) {
    ssize_t done = send(self->fd, bytes, length, MSG_NOSIGNAL);
    if (done < 0 && errno != EAGAIN)
        self->ended = true;
    return done < 0 ? 0 : (size_t)done;
}

void web_write(struct shelf *shelf, struct web *self, const char *bytes, size_t length) {
    int64_t end_ms = loop_now_ms() + TEST_DEADLINE_MS;
    while (length > 0 && !self->ended) {
        size_t done = web_write_some(self, bytes, length);
        bytes += done;
        length -= done;
        assert_true(loop_now_ms() < end_ms);
        if (done == 0)
            stage_turn(shelf->stage);
        shelf_turn(shelf);
    }
}

void web_say(struct shelf *shelf, struct web *self, const char *format, ...) {
    char text[8192];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    assert_true(length > 0 && (size_t)length < sizeof text);
    web_write(shelf, self, text, (size_t)length);
}

void web_read(struct web *self) {
    static char bytes[65536];
    ssize_t got;
    while (!self->ended && (got = recv(self->fd, bytes, sizeof bytes, 0)) >= 0) {
        self->ended = got == 0;
        assert_int_equal(buffer_add(&self->in, bytes, (size_t)got), 0);
    }
    self->ended = self->ended || errno != EAGAIN;
    errno = EAGAIN;
}

static const char *head_end(struct web *self) {
    web_read(self);
    return self->in.length == 0 ? NULL : memmem(self->in.data, self->in.length, "\r\n\r\n", 4);
}

char *web_head(struct shelf *shelf, struct web *self) {
    SHELF_UNTIL(shelf, head_end(self) != NULL || self->ended);
    assert_non_null(head_end(self));
    size_t length = (size_t)(head_end(self) - self->in.data) + 4;
    char *head = strndup(self->in.data, length);
    buffer_drop(&self->in, length);
    return head;
}

char *web_body(struct shelf *shelf, struct web *self, size_t length) {
    SHELF_UNTIL(shelf, (web_read(self), self->in.length >= length || self->ended));
    size_t got = self->in.length < length ? self->in.length : length;
    char *body = calloc(1, got + 1);
    assert_non_null(body);
    if (got > 0)
        memcpy(body, self->in.data, got);
    buffer_drop(&self->in, got);
    return body;
}

char *shelf_content(uint64_t from, uint64_t length) {
    char *bytes = malloc((size_t)length + 1);
    assert_non_null(bytes);
    for (uint64_t i = 0; i < length; i++)
        bytes[i] = shelf_byte(from + i);
    return bytes;
}

void web_write_content(struct shelf *shelf, struct web *web, uint64_t from, uint64_t length) {
    char *bytes = shelf_content(from, length);
    web_write(shelf, web, bytes, (size_t)length);
    free(bytes);
}

void shelf_assert_there(const struct shelf *shelf, uint64_t length) {
    char *bytes = shelf_content(0, length);
    assert_int_equal(shelf->bytes.length, length);
    assert_memory_equal(shelf->bytes.data, bytes, (size_t)length);
    free(bytes);
}

void web_assert_head(struct shelf *shelf, struct web *web, const char *status) {
    char *head = web_head(shelf, web);
    if (strncmp(head + 9, status, strlen(status)) != 0)
        fail_msg("%s is not %s", head, status);
    free(head);
}

void web_assert_whole(struct shelf *shelf, struct web *web, const char *status) {
    char *head = web_head(shelf, web);
    const char *length = strstr(head, "Content-Length: ");
    if (strncmp(head + 9, status, strlen(status)) != 0 || length == NULL)
        fail_msg("%s is not %s with a body", head, status);
    free(web_body(shelf, web, strtoul(length + strlen("Content-Length: "), NULL, 10)));
    free(head);
}

void web_assert_answer(struct shelf *shelf, struct web *web, const char *status, const char *line) {
    char *head = web_head(shelf, web);
    if (strncmp(head + 9, status, strlen(status)) != 0 || strstr(head, line) == NULL)
        fail_msg("%s is not %s with %s", head, status, line);
    free(head);
}
