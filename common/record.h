/*
 * Records: C structures that travel as msgpack maps with string keys.
 *
 * A record is described once by a table of fields (proto/messages.def); packing, unpacking and
 * printing are driven by the tables that the build makes of it. Keys that a reader does not know
 * are ignored, keys that are absent leave the member zero, so versions can be mixed.
 *
 * Unpacking is bounded before anything is built: the bytes are walked first, with a limit on depth
 * (RECORD_MAX_DEPTH) and with every declared count held against the bytes that are left, since
 * msgpack-c allocates what a header declares.
 *
 * Ownership: an unpacked record, its lists and all its slices live in the record_arena and in the
 * bytes that were unpacked; both must outlive its use. A record to be packed is only read.
 */
#ifndef PARLEY_COMMON_RECORD_H
#define PARLEY_COMMON_RECORD_H

#include <msgpack.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"

/*
 * limit: service | depth; fields of a record | {RECORD_MAX_DEPTH}; {RECORD_MAX_FIELDS} |
 * `bad_request`; a mistake in the table, which ends the build
 */
#define RECORD_MAX_DEPTH 8
/* Fields per record; a bit each in the set of those that were present. */
#define RECORD_MAX_FIELDS 32

/* Text or bytes that somebody else owns; `data` may be NULL when `length` is 0. */
struct slice {
    const char *data;
    size_t length;
};

/* Lists: borrowed when packing, in the arena when unpacked. */
struct u64_list {
    uint64_t *items;
    size_t count;
};
struct slice_list {
    struct slice *items;
    size_t count;
};
struct record_list {
    void *items; /* array of the element's structure */
    size_t count;
};

enum record_type {
    RECORD_U64,
    RECORD_BOOL,
    RECORD_TEXT,  /* struct slice, msgpack str */
    RECORD_BYTES, /* struct slice, msgpack bin */
    RECORD_U64S,  /* struct u64_list */
    RECORD_TEXTS, /* struct slice_list of str */
    RECORD_BLOBS, /* struct slice_list of bin */
    RECORD_LIST,  /* struct record_list of `element` */
};

/*
 * limit: client | numbers that are counted, cids and times in internal messages | below 2^53
 * {RECORD_NUMBER_MOST:} | the message is refused as malformed
 */
/* The largest count, number or time in milliseconds: every JSON reader holds it exactly, and an
 * int64_t a thousandfold of it. A larger one is refused where it is unpacked, so nothing behind
 * that overflows. */
#define RECORD_NUMBER_MOST ((UINT64_C(1) << 53) - 1)

struct record_desc;

struct record_field {
    const char *name;
    enum record_type type;
    bool required; /* unpacking fails without it */
    size_t offset; /* of the member */
    size_t max;    /* bytes of a text or blob, or items of a list; 0 means 2^32-1 */
    uint64_t most; /* of a number, and of each in a list; 0 means 2^64-1 */
    const struct record_desc *element; /* of RECORD_LIST */
};

struct record_desc {
    const char *name; /* the structure's */
    size_t size;      /* of the structure */
    const struct record_field *fields;
    size_t field_count;
};

struct message_desc {
    const char *name; /* on the wire: "auth.login" */
    const struct record_desc *body;
    const struct record_desc *reply; /* NULL: an event, which is not answered */
    unsigned senders;                /* the programs that may send it; enum program_bit */
    unsigned scope;                  /* whoever shows an API key with it, too; enum scope_bit */
    bool noted;                      /* the audit names the key */
};

struct slice slice_make(const char *data, size_t length);
struct slice slice_text(const char *text); /* of a C string, NULL gives the empty slice */
bool slice_equal(struct slice a, struct slice b);
/* A heap copy with a 0 at its end; NULL without memory. The caller frees it. */
char *slice_copy(struct slice slice);

/* Memory of one unpacked message; freed as a whole. */
struct record_arena {
    msgpack_zone zone;
    bool ready;
};
void record_arena_free(struct record_arena *arena);
/* Zeroed memory, or a copy, that lives as long as the arena; NULL or empty without memory. */
void *record_arena_alloc(struct record_arena *arena, size_t bytes);
struct slice record_arena_copy(struct record_arena *arena, struct slice slice);

/* Appends the map of `record` to `out`; `out->failed` tells of a lack of room. Fields that are
 * zero or empty and not required are left out. */
void record_pack(const struct record_desc *desc, const void *record, struct buffer *out);

/*
 * Reads one map from the front of `bytes` into `record_r` (desc->size bytes, filled entirely).
 * 0, or -1 when the bytes are no such map: `*fault_r` then names the field or the fault (static).
 * The arena is to be freed in both cases; it may be a zeroed structure.
 */
int record_unpack(const struct record_desc *desc, struct slice bytes, struct record_arena *arena,
                  void *record_r, const char **fault_r) __attribute__((warn_unused_result));

/* `name{field=value ...}` for logs at debug level; texts quoted, secrets are not known here. */
void record_print(const struct record_desc *desc, const void *record, struct buffer *out);

/*
 * The length of the msgpack object at the front of `bytes`, or 0 when it is cut short, nested
 * deeper than RECORD_MAX_DEPTH or declares more than there is.
 */
size_t record_object_length(struct slice bytes);

#endif
