/*
 * What uploads and downloads share: a request over HTTP that is about a file, its answers, and what
 * pages of other servers may see of them.
 */
#ifndef PARLEY_GATEWAY_FILE_ANSWER_H
#define PARLEY_GATEWAY_FILE_ANSWER_H

#include "common/buffer.h"
#include "services/gateway/edge/exchange.h"
#include "services/gateway/gateway.h"

/* limit: gateway | a piece of a file on its way | {FILE_TRANSFER_PIECE} bytes; so much does an
 * upload read before it is appended | - */
#define FILE_TRANSFER_PIECE ((size_t)262144)
/* How long a client should wait that is told to try again. */
#define FILE_RETRY_AFTER "Retry-After: 5\r\n"

#define FILE_ORIGIN_BYTES 256

struct file_transfer;

struct file_transfer_calls {
    void (*on_body)(struct file_transfer *transfer, struct slice bytes);
    void (*on_body_end)(struct file_transfer *transfer);
    void (*on_taken)(struct file_transfer *transfer);
    void (*on_end)(struct file_transfer *transfer, bool complete);
};

/* The first member of an upload or download, which is the exchange's owner. */
struct file_transfer {
    const struct file_transfer_calls *calls;
    struct gateway *gateway;
    struct edge_exchange *exchange; /* NULL: it is over */
    uint64_t trace;
    bool is_foreign; /* asked for by a page of another server, which may not connect here */
    char origin[FILE_ORIGIN_BYTES]; /* of a page that may see the answer; empty: there is none */
};

/* In on_request; `calls` and the memory are the caller's. */
void file_transfer_init(struct file_transfer *transfer, struct gateway *gateway,
                        struct edge_exchange *exchange, const struct file_transfer_calls *calls);

/* The headers of all answers, as whole lines. */
void file_answer_headers(const struct file_transfer *transfer, struct buffer *out);
/* `{"error":word,"text":sentence}` with the status for this error; `more` are further headers.
 * `text` NULL: that of the error. */
void file_answer_fault(struct file_transfer *transfer, enum err err, const char *text,
                       const char *more);
/* The same with a status that no error has. */
void file_answer_refusal(struct file_transfer *transfer, const char *status, const char *word,
                         const char *text, const char *more);

#endif
