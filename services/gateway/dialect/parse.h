/* From a text to cJSON's tree, as strictly as a server has to read what strangers write. */
#ifndef PARLEY_GATEWAY_DIALECT_PARSE_H
#define PARLEY_GATEWAY_DIALECT_PARSE_H

#include <cjson/cJSON.h>

#include "services/gateway/dialect/request.h"

/*
 * The one JSON object that `text` is, for the caller to free or to hand to dialect_read. NULL with
 * a sentence in `fault_r` when it is none. A tree and a sentence: it is one, but may not be carried
 * out, since a string in it holds a NUL character (cJSON's strings end there), half of a surrogate
 * pair or a control character that is not escaped, or a key appears twice in one object. Such a
 * tree is good only for finding the request that the sentence answers: it has a `ref` only where
 * there is no doubt about it. Bounding the size, the depth and the encoding is the caller's part
 * (edge.h).
 */
cJSON *dialect_parse(struct slice text, char fault_r[DIALECT_FAULT_BYTES])
    __attribute__((warn_unused_result));
/* Copies a sentence, cut between characters where it is too long. */
void fault_copy(char fault_r[DIALECT_FAULT_BYTES], const char *sentence);

#endif
