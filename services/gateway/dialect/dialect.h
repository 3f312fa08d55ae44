/*
 * Translates clients' JSON to requests, and results and entries to clients' JSON.
 *
 * A dialect is pure translation: dialect_parse and dialect_read turn one JSON object into a
 * dialect_request, the dialect_write_* functions turn results into JSON text. No connection, no
 * service and no state stands behind them, so they are tested and fuzzed alone.
 *
 *     cJSON *json = dialect_parse(text, fault);          NULL: answer dialect_write_fault
 *                                                        a fault all the same: only answer that
 *     if (dialect == DIALECT_UNKNOWN) dialect = dialect_detect(json);
 *     err = dialect_read(dialect, ext, json, &request, fault);
 *     ... do it, or not when err is a fault; either way:
 *     dialect_write_result(dialect, ext, self, &request, &result, &texts);
 *     dialect_request_free(&request);
 *
 * Every dialect_write_* function adds all of a text or, with `out->failed` set, nothing of it. An
 * escaped text is at most six times as long as the text itself.
 *
 * Each dialect has one file with a table {number, operation, needs, reader} of requests and one of
 * notices. Adding a request is a row there and, if it asks for something new, an operation here and
 * in operations*.c; adding a notice is a row in each.
 */
/*
 * limit: gateway | memory of a request that waits for a look-up | its strings, less than 1 KiB;
 * for a text its 65,000 bytes, too, so 1 GB if each of 15,000 connections has one | one for each
 * connection, which is not read meanwhile
 */
#ifndef PARLEY_GATEWAY_DIALECT_H
#define PARLEY_GATEWAY_DIALECT_H

#include "services/gateway/dialect/parse.h"
#include "services/gateway/dialect/request.h"

/* The dialect of a first object: by `code` or `msgType`; DIALECT_UNKNOWN for neither. */
enum dialect dialect_detect(const cJSON *object);

/*
 * Reads one object of the connection's dialect; frees `json` in every case. `ext`: the
 * connection has opted in by an earlier request; a request that opts in is read as opted in itself.
 * ERR_OK, or ERR_BAD_REQUEST (ERR_INTERNAL without memory) with `fault_r` one sentence that names
 * the field ("toUserId is missing", "msgType 77 is not known"). Number, operation, ext and ref are
 * set in request_r as far as they could be read, so that dialect_write_result answers the fault in
 * the right form. The caller frees the request in every case.
 */
enum err dialect_read(enum dialect dialect, bool ext, cJSON *json,
                      struct dialect_request *request_r, char fault_r[DIALECT_FAULT_BYTES])
    __attribute__((warn_unused_result));

/* no limit: an answer and a 300 */
/*
 * Appends the answer that the dialect has for this outcome, as JSON texts (zero, one or two; each
 * added to `out` and its end offset stored, at most DIALECT_MAX_ANSWERS). Success of a request that
 * is silent in the dialect adds nothing. A failure that the dialect has no answer for goes out as
 * dialect_write_fault has it. With `ext` (or the request's own) and a `ref` a 300 is the last one,
 * and stands for the fault. `self` is NULL before login.
 */
#define DIALECT_MAX_ANSWERS 2
struct dialect_texts {
    struct buffer *out;
    const struct dialect_addresses *addresses; /* NULL: files have none */
    size_t ends[DIALECT_MAX_ANSWERS];
    size_t count;
};
void dialect_write_result(enum dialect dialect, bool ext, const struct dialect_account *self,
                          const struct dialect_request *request,
                          const struct dialect_result *result, struct dialect_texts *texts);

/* A reason outside any request (malformed input), in the dialect; DIALECT_UNKNOWN: {"error":...}.
 * `self` is NULL before login. */
void dialect_write_fault(enum dialect dialect, const struct dialect_account *self,
                         struct slice reason, uint64_t time_ms, struct buffer *out);

enum dialect_view dialect_entry_view(enum dialect dialect, bool ext, const struct entry *entry,
                                     uint64_t account);

/* Appends the JSON of one log entry as `account` gets it, which matters for DIALECT_VIEW_OWN alone.
 * For an entry whose view is not DIALECT_VIEW_NOTHING. `addresses`: NULL: files have none. */
void dialect_write_entry(enum dialect dialect, bool ext, const struct dialect_addresses *addresses,
                         const struct entry *entry, uint64_t account, struct buffer *out);

/* Appends the 318, which gives a client that asked for a part of its backlog the number of entries
 * left out: those of this entry's conversation up to and with it. Without room nothing is added. */
void dialect_write_skipped(enum dialect dialect, const struct dialect_account *self,
                           const struct entry *entry, uint64_t skipped, uint64_t time_ms,
                           struct buffer *out);

#endif
