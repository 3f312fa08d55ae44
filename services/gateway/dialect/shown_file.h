/*
 * The files that texts show, as both dialects read and write them.
 *
 *     struct shown_file shown;
 *     if (shown_file_open(&shown, entry)) {
 *         shown_file_write(&shown, form, true, out);
 *         shown_file_close(&shown);
 *     }
 */
#ifndef PARLEY_GATEWAY_DIALECT_SHOWN_FILE_H
#define PARLEY_GATEWAY_DIALECT_SHOWN_FILE_H

#include "services/gateway/dialect/form.h"

struct shown_file {
    struct file file; /* its kind is one of those that clients know */
    struct record_arena arena;
};

/* false: the entry shows no file. Else the caller closes it. */
bool shown_file_open(struct shown_file *self, const struct entry *entry);
void shown_file_close(struct shown_file *self);

/* `{"id":..}` with all that is known of a file: for clients that opted in with `ext`, else with
 * what every client gets. */
void shown_file_write(const struct file *file, const struct dialect_form *form, bool ext,
                      struct buffer *out);
/* The same with `"kind":"image"`, where no number says so. */
void shown_file_write_kind(const struct file *file, const struct dialect_form *form,
                           struct buffer *out);
/* A JSON text for clients that know nothing of files: `[image] name address`, and the caption on a
 * line of its own. */
void shown_file_write_words(const struct file *file, const struct dialect_form *form,
                            struct slice caption, struct buffer *out);
/* `"key":"address"` of an avatar as services give it (proto/messages.def); an empty string for
 * none. */
void shown_file_write_avatar(const char *key, struct slice avatar, const struct dialect_form *form,
                             struct buffer *out);

/* `file` in the body, and a caption if there is one; of the given kind, FILE_NONE: the file's
 * `kind` says which. */
void shown_file_read(struct reading *reading, enum file_kind kind);

#endif
