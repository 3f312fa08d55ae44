/*
 * Hash tables: uthash, made safe for keys that clients choose. Include this in place of <uthash.h>.
 *
 *     struct name { char id[ID_MAX_BYTES + 1]; UT_hash_handle hh; } *table = NULL, *name;
 *     if (!HASH_TRY_ADD_STR(table, id, name)) free(name);           it is not in the table
 *     HASH_FIND_STR(table, "anna", name);
 *     HASH_DEL(table, name);
 *
 * Keyed: a key's hash is SipHash-2-4 under a key that is random for each process, so nobody can
 * choose ids, addresses, pairs of accounts or numbers (a decimal id is a number) that all fall into
 * one bucket. All tables use it, also those over numbers that the server allocates, and those that
 * are no uthash (positions, session's directory) use hash_bytes. Only the directory's connections,
 * which gateways number, are hashed without a key. A look-up costs some 10 ns more than with
 * uthash's own function, against 95 us for a text.
 *
 * Out of memory is a result, never the end of the process: HASH_TRY_ADD is false then, the table
 * is as before, and the element is still the caller's. HASH_ADD and its relatives don't compile.
 */
#ifndef PARLEY_COMMON_HASH_H
#define PARLEY_COMMON_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#define HASH_FUNCTION(key, length, hash) ((hash) = hash_bytes((key), (length)))
#include <uthash.h>

/* The hash of these bytes in this process; another process gives them another one. */
uint32_t hash_bytes(const void *bytes, size_t length);

static inline bool hash_was_added(const UT_hash_handle *handle) __attribute__((warn_unused_result));
static inline bool hash_was_added(const UT_hash_handle *handle) { return handle->tbl != NULL; }

/* Adds `element` by its member `field`; `handle` is the name of its UT_hash_handle. */
#define HASH_TRY_ADD(handle, table, field, element)                                                \
    HASH_TRY_ADD_KEY(handle, table, &(element)->field, sizeof((element)->field), element)
/* The same for a text; its handle is `hh`. */
#define HASH_TRY_ADD_STR(table, field, element)                                                    \
    HASH_TRY_ADD_KEY(hh, table, (element)->field, strlen((element)->field), element)
#define HASH_TRY_ADD_KEY(handle, table, key_bytes, length, element)                                \
    ({                                                                                             \
        uint32_t added_hash = hash_bytes(key_bytes, length);                                       \
        HASH_ADD_KEYPTR_BYHASHVALUE(handle, table, key_bytes, length, added_hash, element);        \
        hash_was_added(&(element)->handle);                                                        \
    })

/* These would leave it open whether the element was added. */
#undef HASH_ADD
#undef HASH_ADD_INT
#undef HASH_ADD_PTR
#undef HASH_ADD_STR
#undef HASH_ADD_KEYPTR
#undef HASH_ADD_BYHASHVALUE
#undef HASH_ADD_INORDER
#undef HASH_REPLACE
#undef HASH_REPLACE_INT
#undef HASH_REPLACE_PTR
#undef HASH_REPLACE_STR
#undef HASH_SELECT

#endif
