/* Files that are sent and saved; see files.h. */
#include "services/ctl/chat/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utlist.h>

#include "common/loop.h"
#include "services/ctl/chat/show.h"

#define PAUSE_MS 1000
#define NAME_CHARACTERS 80
#define FILE_ID_BYTES 17
#define REASON_BYTES (CHAT_HTTP_REASON_BYTES + 256)

struct chat_file {
    bool save;
    char *path;
    FILE *file;
    struct chat_peer peer;
    /* to send */
    char *caption;
    const char *mime; /* NULL: unknown */
    uint64_t size;
    char id[FILE_ID_BYTES];
    /* to save */
    uint64_t cid;
    bool made; /* the file at `path` is ours */

    char ref[CHAT_REF_BYTES]; /* of the request; "": none was made yet, or it is answered */
    char *url;
    unsigned failures;
    struct chat_file *prev, *next;
};

static void begin(struct chat_files *self);

/* --- one file -------------------------------------------------------------------------------- */

/* What was made of it is gone. */
static void undo(struct chat_file *file) {
    if (file->file != NULL)
        fclose(file->file);
    file->file = NULL;
    if (file->made)
        unlink(file->path);
    file->made = false;
}

static void file_free(struct chat_file *file) {
    undo(file);
    free(file->path);
    free(file->caption);
    free(file->url);
    free(file);
}

static const char *command_of(const struct chat_file *file) { return file->save ? "save" : "send"; }

/* The next one begins. */
static void finish(struct chat_files *self, struct chat_file *file) {
    DL_DELETE(self->first, file);
    self->count--;
    file_free(file);
    begin(self);
}

static void refuse(struct chat_files *self, struct chat_file *file, const char *why) {
    char reason[REASON_BYTES];
    snprintf(reason, sizeof reason, "%.200s: %s", file->path, why);
    undo(file); /* whoever reads the reason finds nothing half */
    chat_refuse(self->chat, command_of(file), reason);
    finish(self, file);
}

static const char *name_of(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

/* The media type that an ending says; NULL: none that matters. */
static const char *mime_of(const char *path) {
    static const struct {
        const char *ending, *mime;
    } known[] = {{".png", "image/png"},      {".jpg", "image/jpeg"},  {".jpeg", "image/jpeg"},
                 {".gif", "image/gif"},      {".webp", "image/webp"}, {".avif", "image/avif"},
                 {".heic", "image/heic"},    {".heif", "image/heif"}, {".txt", "text/plain"},
                 {".pdf", "application/pdf"}};
    const char *ending = strrchr(name_of(path), '.');
    for (size_t i = 0; ending != NULL && i < sizeof known / sizeof known[0]; i++)
        if (strcasecmp(known[i].ending, ending) == 0)
            return known[i].mime;
    return NULL;
}

static const char *kind_of(const struct chat_file *file) {
    return file->mime != NULL && strncmp(file->mime, "image/", 6) == 0 ? "image" : "file";
}

/* --- requests -------------------------------------------------------------------------------- */

static cJSON *make_announcement(const struct chat_file *file) {
    cJSON *body = cJSON_CreateObject();
    if (cJSON_AddStringToObject(body, "name", name_of(file->path)) != NULL &&
        cJSON_AddNumberToObject(body, "size", (double)file->size) != NULL &&
        (file->mime == NULL || cJSON_AddStringToObject(body, "mime", file->mime) != NULL))
        return body;
    cJSON_Delete(body);
    return NULL;
}

static cJSON *make_question(const struct chat_file *file) {
    cJSON *body = cJSON_CreateObject(), *peer = chat_peer_make(&file->peer);
    if (!cJSON_AddItemToObject(body, "peer", peer))
        cJSON_Delete(peer);
    else if (cJSON_AddNumberToObject(body, "around", (double)file->cid) != NULL &&
             cJSON_AddNumberToObject(body, "limit", 1) != NULL)
        return body;
    cJSON_Delete(body);
    return NULL;
}

static cJSON *make_text(const struct chat *chat, const struct chat_file *file) {
    cJSON *body = cJSON_CreateObject(), *shown = cJSON_AddObjectToObject(body, "file");
    const char *key = file->peer.group ? "toGroup" : "toUserId";
    if (cJSON_AddStringToObject(body, "fromUserId", chat->id) != NULL &&
        cJSON_AddStringToObject(body, key, file->peer.id) != NULL &&
        (file->caption[0] == '\0' || cJSON_AddStringToObject(body, "msg", file->caption) != NULL) &&
        cJSON_AddStringToObject(shown, "id", file->id) != NULL &&
        cJSON_AddStringToObject(shown, "kind", kind_of(file)) != NULL)
        return body;
    cJSON_Delete(body);
    return NULL;
}

/* Nothing of the first one is under way yet. */
static void begin(struct chat_files *self) {
    struct chat_file *file = self->first;
    if (file == NULL || file->ref[0] != '\0' || file->url != NULL)
        return;
    if (file->save)
        chat_ask_ref(self->chat, 303, make_question(file), "save", file->ref);
    else
        chat_ask_ref(self->chat, 323, make_announcement(file), "send", file->ref);
    if (file->ref[0] == '\0') /* which was shown */
        finish(self, file);
}

/* --- bytes ----------------------------------------------------------------------------------- */

static void show_saved(struct chat_files *self, const struct chat_file *file) {
    struct buffer *line = chat_screen_begin(&self->chat->screen);
    buffer_printf(line, "-- saved [%llu] as ", (unsigned long long)file->cid);
    chat_show_excerpt(line, slice_text(file->path), NAME_CHARACTERS);
    chat_screen_end(&self->chat->screen);
}

static void end_well(struct chat_files *self, struct chat_file *file) {
    if (file->save && (fflush(file->file) != 0 || fsync(fileno(file->file)) != 0)) {
        refuse(self, file, strerror(errno));
    } else if (file->save) {
        file->made = false; /* it stays */
        show_saved(self, file);
        finish(self, file);
    } else {
        cJSON *text = make_text(self->chat, file);
        int number = file->peer.group ? 7 : 5;
        finish(self, file);
        chat_ask(self->chat, number, text, NULL);
    }
}

static void on_done(void *argument, const struct chat_http_result *result) {
    struct chat_files *self = argument;
    struct chat_file *file = self->first;
    if (result->done) {
        end_well(self, file);
    } else if (result->passing && file->failures + 1 < CHAT_FILE_TRIES) {
        uint64_t pause_ms = (uint64_t)PAUSE_MS << file->failures++;
        chat_screen_say(&self->chat->screen, "the file is tried again in %.0f s: %s",
                        (double)pause_ms / 1000, result->reason);
        loop_timer_start(self->chat->ev, &self->again, (int64_t)pause_ms);
    } else {
        refuse(self, file, result->reason);
    }
    self->settle(self->chat);
}

static void move(struct chat_files *self, struct chat_file *file) {
    bool started;
    rewind(file->file);
    if (file->save && ftruncate(fileno(file->file), 0) != 0) {
        refuse(self, file, strerror(errno));
        return;
    }
    /* An upload that broke off is sent whole: the server passes over what it has. */
    if (file->save)
        started = chat_http_down(self->http, file->url, file->file, on_done, self);
    else
        started = chat_http_up(self->http, file->url, file->file, file->size, on_done, self);
    if (!started)
        refuse(self, file, "it does not start");
}

static void on_again(struct ev_loop *ev, ev_timer *timer, int revents) {
    struct chat_files *self = timer->data;
    (void)ev;
    (void)revents;
    move(self, self->first);
}

/* --- what the user wants --------------------------------------------------------------------- */

static struct chat_file *add(struct chat *chat, bool save, const char *path) {
    struct chat_files *self = chat->files;
    struct chat_file *file = self->count < CHAT_FILES_MAX ? calloc(1, sizeof *file) : NULL;
    if (file == NULL || (file->path = strdup(path)) == NULL) {
        free(file);
        chat_refuse(chat, save ? "save" : "send", "there is no room for it");
        return NULL;
    }
    file->save = save;
    file->peer = chat->open;
    DL_APPEND(self->first, file);
    self->count++;
    return file;
}

/* "" or what is wrong with it. A pipe is not waited for. */
static const char *open_to_send(struct chat_file *file) {
    struct stat found;
    int fd = open(file->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    file->file = fd < 0 ? NULL : fdopen(fd, "rb");
    if (fd >= 0 && file->file == NULL)
        close(fd);
    if (file->file == NULL || fstat(fileno(file->file), &found) != 0)
        return strerror(errno);
    if (!S_ISREG(found.st_mode))
        return "it is no file";
    file->size = (uint64_t)found.st_size;
    file->mime = mime_of(file->path);
    return file->size == 0 ? "it is empty" : "";
}

void chat_files_send(struct chat *chat, const char *path, const char *caption) {
    struct chat_file *file = add(chat, false, path);
    if (file == NULL)
        return;
    file->caption = strdup(caption);
    const char *fault = file->caption == NULL ? "memory is short" : open_to_send(file);
    if (fault[0] != '\0')
        refuse(chat->files, file, fault);
    else
        begin(chat->files);
}

void chat_files_save(struct chat *chat, uint64_t cid, const char *path) {
    struct chat_file *file = add(chat, true, path);
    if (file == NULL)
        return;
    file->cid = cid;
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    file->made = fd >= 0;
    file->file = fd < 0 ? NULL : fdopen(fd, "w+b");
    if (file->file == NULL) {
        const char *fault = strerror(errno);
        if (fd >= 0)
            close(fd);
        refuse(chat->files, file, fault);
    } else {
        begin(chat->files);
    }
}

/* --- answers --------------------------------------------------------------------------------- */

static const cJSON *shown_in(const cJSON *answer, uint64_t cid) {
    const cJSON *message;
    cJSON_ArrayForEach(message, cJSON_GetObjectItemCaseSensitive(answer, "messages")) {
        if ((uint64_t)chat_number_of(message, "cid") == cid)
            return cJSON_GetObjectItemCaseSensitive(message, "file");
    }
    return NULL;
}

bool chat_files_take(struct chat *chat, const cJSON *message) {
    struct chat_files *self = chat->files;
    struct chat_file *file = self->first;
    const char *ref = chat_text_of(message, "ref");
    int number = (int)chat_number_of(message, "msgType");
    if (file == NULL || ref[0] == '\0' || strcmp(ref, file->ref) != 0 ||
        number != (file->save ? 304 : 324))
        return false;
    const char *url = chat_text_of(file->save ? shown_in(message, file->cid) : message, "url");
    snprintf(file->id, sizeof file->id, "%s", chat_text_of(message, "file"));
    file->ref[0] = '\0';
    file->url = strdup(url);
    if (url[0] == '\0' || file->url == NULL)
        refuse(self, file, file->save ? "that message shows no file" : "there is no address");
    else
        move(self, file);
    return true;
}

void chat_files_refused(struct chat *chat, const char *ref) {
    struct chat_file *file = chat->files->first;
    if (file != NULL && file->ref[0] != '\0' && strcmp(file->ref, ref) == 0)
        finish(chat->files, file);
}

/* --- the rest -------------------------------------------------------------------------------- */

void chat_files_init(struct chat_files *self, struct chat *chat, struct chat_http *http,
                     void (*settle)(struct chat *chat)) {
    *self = (struct chat_files){.chat = chat, .http = http, .settle = settle};
    ev_timer_init(&self->again, on_again, 0, 0);
    self->again.data = self;
}

void chat_files_free(struct chat_files *self) {
    struct chat_file *file, *next;
    ev_timer_stop(self->chat->ev, &self->again);
    chat_http_stop(self->http);
    DL_FOREACH_SAFE(self->first, file, next) { file_free(file); }
    self->first = NULL;
    self->count = 0;
}

bool chat_files_have_room(const struct chat *chat) { return chat->files->count < CHAT_FILES_MAX; }

bool chat_files_wait(const struct chat *chat) { return chat->files->count > 0; }

bool chat_files_move(const struct chat *chat) {
    return chat_http_is_busy(chat->files->http) || ev_is_active(&chat->files->again);
}

void chat_files_describe(const struct chat *chat, struct buffer *line, const cJSON *message) {
    const cJSON *file = cJSON_GetObjectItemCaseSensitive(message, "file");
    const char *kind = chat_text_of(file, "kind"), *url = chat_text_of(file, "url");
    if (file == NULL)
        return;
    buffer_add_text(line, strcmp(kind, "image") == 0     ? "(picture "
                          : strcmp(kind, "sticker") == 0 ? "(sticker "
                                                         : "(file ");
    chat_show_id(line, slice_text(chat_text_of(file, "name")));
    buffer_printf(line, ", %.0f bytes", chat_number_of(file, "size"));
    if (url[0] != '\0') {
        buffer_printf(line, ": %s", chat_http_prefix(chat->file_server, url));
        chat_show_text(line, slice_text(url));
    }
    buffer_add_text(line, chat_text_of(message, "msg")[0] == '\0' ? ")" : ") ");
}
