/* The parts of answers and messages that are the same in every dialect. */
#ifndef PARLEY_GATEWAY_DIALECT_ANSWER_H
#define PARLEY_GATEWAY_DIALECT_ANSWER_H

#include "services/gateway/dialect/request.h"

/* The result's reason, or else the sentence of its error. */
struct slice answer_reason(const struct dialect_result *result);
/* The fields of a 300. */
void answer_write_result(const struct dialect_request *request, const struct dialect_result *result,
                         struct buffer *out);
/* `"peer":{..}`, as a 301 has it: the conversation of an entry as the account with this number and
 * id names it. */
void answer_write_peer(bool string_ids, const struct entry *entry,
                       const struct dialect_account *account, struct buffer *out);
/* The same as the request named it. */
void answer_write_asked_peer(bool string_ids, const struct dialect_request *request,
                             struct buffer *out);
/*
 * The fields of a text for a client that opted in, besides its words: `edited_ms` of one that was
 * edited, `recalled` of one that was recalled, `reply` and `mentions`; in history `reactions`. The
 * only place where this is written, for pushes, for clients that catch up, and for lists.
 */
void answer_write_text_fields(bool string_ids, const struct entry *entry, struct buffer *out);
/* `,"cid":..,"time_ms":..`, which messages carry for a client that opted in; an entry that is not
 * stored has no cid. */
void answer_write_place(const struct entry *entry, struct buffer *out);
/* `,"epoch":N` where it is known. */
void answer_write_epoch(const struct dialect_result *result, struct buffer *out);

#endif
