/*
 * What the parts of an upload share: file_upload.c takes requests, and goes on with what files
 * says; file_upload_answers.c tells the client, and ends it.
 */
#ifndef PARLEY_GATEWAY_FILE_UPLOAD_PARTS_H
#define PARLEY_GATEWAY_FILE_UPLOAD_PARTS_H

#include "common/hash.h"
#include "proto/messages.h"
#include "services/gateway/file_answer.h"
#include "services/gateway/file_upload.h"
#include "services/gateway/file_upload_address.h"
#include "services/gateway/retry.h"

#define TUS_VERSION "Tus-Resumable: 1.0.0\r\n"

/* What files is asked next; where it did not answer, first how far the upload is. */
enum upload_step { UPLOAD_LOOK, UPLOAD_APPEND, UPLOAD_FINISH, UPLOAD_ABANDON, UPLOAD_DONE };

struct file_upload {
    struct file_transfer transfer; /* first */
    struct file_uploads *uploads;
    struct upload_address address;
    UT_hash_handle hh;
    bool is_listed;                          /* in by_address: it changes the file */
    struct file_upload *next;                /* waits for this one's end */
    void (*begin)(struct file_upload *self); /* if it has waited, then */
    bool waits;                              /* for another one's */
    enum edge_method method;                 /* with its override */
    bool is_tus;
    uint64_t given_offset;       /* Upload-Offset */
    bool looked;                 /* its offset is known */
    uint64_t size, offset;       /* of the file; of it at files */
    uint64_t passed_over;        /* of a PUT's body, still */
    struct buffer filling, sent; /* the next piece; the one that is at files, and not answered */
    bool body_ended;
    bool asking;
    enum upload_step step;
    struct retry retry;
    ev_timer timer;
};

/* Frees one whose client has gone, once all that arrived is at files. */
void file_upload_free_if_idle(struct file_upload *self);
/* It does nothing more. */
void file_upload_end(struct file_upload *self);

/* Each is the answer, or, where the client has gone, the end. `more`: further headers. */
void file_upload_fail_with(struct file_upload *self, enum err err, const char *text,
                           const char *more);
void file_upload_fail(struct file_upload *self, enum err err, const char *text);
void file_upload_refuse(struct file_upload *self, const char *status, const char *text,
                        const char *more);
/* `body` NULL: none. */
void file_upload_succeed(struct file_upload *self, const char *status, const char *more,
                         const char *body);
void file_upload_tell_offset(struct file_upload *self, const char *status, bool with_length);
void file_upload_tell_file(struct file_upload *self, const struct file *file);

#endif
