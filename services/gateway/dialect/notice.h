/*
 * Notices by a dialect's table of them.
 *
 * A notice is an entry that is no text. Its fields stand in the order in which they are written.
 */
#ifndef PARLEY_GATEWAY_DIALECT_NOTICE_H
#define PARLEY_GATEWAY_DIALECT_NOTICE_H

#include "services/gateway/dialect/request.h"

enum notice_value {
    NOTICE_END,
    NOTICE_FROM,
    NOTICE_SUBJECT,
    NOTICE_TO,
    NOTICE_ANSWER,
    NOTICE_TEXT
};
enum notice_for {
    NOTICE_FOR_ALL,
    NOTICE_FOR_SUBJECT, /* shown to that account alone */
    NOTICE_FOR_EXT      /* shown to clients that opted in */
};
struct notice_field {
    const char *key;
    enum notice_value value;
    bool ext; /* left out for clients that did not opt in */
};
struct notice_row {
    enum entry_type type;
    uint64_t number;
    uint64_t number_if_no; /* of an answer that refuses; 0: the same number and fields */
    enum notice_for seen_by;
    struct notice_field fields[4], fields_if_no[3]; /* up to NOTICE_END or the end */
};

/* The row of that entry, which must stand in the right kind of conversation; NULL for none. */
const struct notice_row *notice_find(const struct notice_row *rows, size_t count,
                                     const struct entry *entry);
enum dialect_view notice_view(const struct notice_row *row, bool ext, const struct entry *entry,
                              uint64_t account);
uint64_t notice_number(const struct notice_row *row, const struct entry *entry);
/* `"key":value,...`; ids as strings, or as numbers. */
void notice_write_fields(const struct notice_row *row, bool ext, bool string_ids,
                         const struct entry *entry, struct buffer *out);

#endif
