/*
 * A try at an account, as the throttle counts it: under the account's id, from the key of the
 * client's address, which is known where a login of the account was made or resumed from it and its
 * token is still kept.
 */
#include "services/auth/auth.h"
#include "services/auth/auth_sql.h"

static bool is_same(struct slice stored, const struct address_key *key) {
    struct address_key other;
    return address_key_make(stored, &other) &&
           slice_equal(slice_make((const char *)other.bytes, sizeof other.bytes),
                       slice_make((const char *)key->bytes, sizeof key->bytes));
}

struct throttle_try auth_try_of_address(struct slice address, struct address_key *key_r) {
    bool known = address_key_make(address, key_r);
    return (struct throttle_try){
        .address = slice_make((const char *)key_r->bytes, known ? sizeof key_r->bytes : 0)};
}

enum err auth_try_begin(struct db *db, uint64_t account, struct slice name, struct slice address,
                        struct auth_try *try_r) {
    struct db_rows *rows;
    *try_r = (struct auth_try){.counted = {.account = name}};
    bool has_address = address_key_make(address, &try_r->key);
    if (has_address)
        try_r->counted.address =
            slice_make((const char *)try_r->key.bytes, sizeof try_r->key.bytes);
    /* Also where there is no account, so that it takes as long. */
    enum err err = db_query(db, &auth_sql_find_addresses,
                            DB_ARGS(db_u64(account), db_u64(AUTH_TOKENS_LOOK)), &rows);
    while (err == ERR_OK && db_rows_next(rows)) {
        try_r->tokens++;
        if (has_address && is_same(db_rows_slice(rows, 0), &try_r->key))
            try_r->counted.known = true;
    }
    db_rows_destroy(&rows);
    return err;
}
