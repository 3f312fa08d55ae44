/*
 * What hook_before's address answers about a text (docs/hooks.md, "Before sending"). Pure.
 *
 *     enum before_verdict verdict = before_answer_read(status, body, may_be_empty, arena, &words);
 *
 * 204, and 200 without a body or with an object that asks for nothing: allowed. 200 with
 * {"text":...}: changed. 200 with {"refuse":true,"reason":...}, of which `reason` may be missing:
 * refused. All else is a fault, and no verdict.
 */
#ifndef PARLEY_DELIVERY_BEFORE_ANSWER_H
#define PARLEY_DELIVERY_BEFORE_ANSWER_H

#include <stdbool.h>

#include "common/record.h"

/* limit: delivery | an answer of hook_before | {BEFORE_ANSWER_BYTES} | it is none: what
 * `hook_before_default` says is done */
/* A text of TEXT_MAX_BYTES, a byte of which becomes six at most, and what stands around it. */
#define BEFORE_ANSWER_BYTES ((size_t)512 << 10)
/* limit: delivery | the reason of hook_before for a refusal | {BEFORE_REASON_BYTES} | cut
 * behind a whole character */
#define BEFORE_REASON_BYTES 200

enum before_verdict { BEFORE_ALLOWED, BEFORE_CHANGED, BEFORE_REFUSED, BEFORE_FAULTY };

/* `words_r`: the new text, the reason (empty: none was given), or a sentence about the fault; in
 * the arena, or static. `may_be_empty`: the text stands beside a file. */
enum before_verdict before_answer_read(long status, struct slice body, bool may_be_empty,
                                       struct record_arena *arena, struct slice *words_r);

#endif
