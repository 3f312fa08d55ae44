/* Writing JSON: every function appends to `out`, without looking at `out->failed`. */
#ifndef PARLEY_GATEWAY_DIALECT_JSON_H
#define PARLEY_GATEWAY_DIALECT_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buffer.h"
#include "common/record.h"

/* A C string as it is: punctuation and keys. */
void json_raw(struct buffer *out, const char *text);
/* A string with its quotes. Escapes what JSON demands and nothing else. What is no UTF-8 becomes
 * U+FFFD, so that clients get JSON whatever a service says. */
void json_text(struct buffer *out, struct slice text);
void json_number(struct buffer *out, uint64_t number);
/* 64 bits as 16 hexadecimal digits, with quotes. */
void json_hex_id(struct buffer *out, uint64_t id);
/* A string id: `id`, or the decimal form of `number` where that is empty; SYSTEM for 0. */
void json_string_id(struct buffer *out, uint64_t number, struct slice id);
/* An id as the dialect writes them: as a string, or as a number. */
void json_id(struct buffer *out, bool string_ids, uint64_t number, struct slice id);

#endif
