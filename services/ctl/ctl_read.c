/* Reading the database for lists. */
#include "services/ctl/ctl_read.h"

#include <string.h>

#include "common/url.h"
#include "proto/ids.h"
#include "proto/messages.h"

static const struct db_statement find_account = {"find_account",
                                                 "SELECT number FROM account WHERE id = ? OR email"
                                                 " = ? ORDER BY id = ? DESC LIMIT 1"};
static const struct db_statement find_group = {
    "find_group", "SELECT lo FROM conversation WHERE kind = 1 AND string_id = ?"};

static void add_row(struct table *table, const struct db_rows *rows, const char *kinds) {
    char room[URL_ROOM];
    for (unsigned i = 0; kinds[i] != '\0'; i++) {
        if (kinds[i] == 't')
            table_text(table, db_rows_slice(rows, i));
        else if (kinds[i] == 'u')
            table_text(table, url_without_password(db_rows_slice(rows, i), room));
        else if (kinds[i] == 'b')
            table_bool(table, db_rows_u64(rows, i) != 0);
        else
            table_number(table, db_rows_u64(rows, i));
    }
}

static int failed(const struct db *db) {
    return ctl_fail("cannot read the database: %s", db_fault(db));
}

int ctl_read(const struct ctl_settings *settings, const struct db_statement *statement,
             const struct db_value *args, size_t arg_count, const char *const *columns,
             const char *kinds, const char *nothing) {
    struct db *db = db_new(&settings->db, NULL);
    if (db == NULL)
        return ctl_fail("out of memory");
    struct db_rows *rows = NULL;
    enum err err = db_query(db, statement, args, arg_count, &rows);
    int status;
    if (err != ERR_OK) {
        status = failed(db);
    } else if (nothing != NULL && db_rows_count(rows) == 0) {
        status = ctl_fail("there is no %s", nothing);
    } else {
        struct table *table = table_new(columns, settings->json);
        while (db_rows_next(rows))
            add_row(table, rows, kinds);
        status = table_print(&table);
    }
    db_rows_destroy(&rows);
    db_destroy(&db);
    return status;
}

/* `args`: those of the statement, of id, address and id. */
static int find(const struct ctl_settings *settings, const struct db_statement *statement,
                size_t args, const char *what, const char *id, uint64_t *number_r) {
    if (id_is_decimal(slice_text(id), number_r))
        return CTL_DONE;
    struct db *db = db_new(&settings->db, NULL);
    if (db == NULL)
        return ctl_fail("out of memory");
    struct db_rows *rows = NULL;
    char room[EMAIL_ROOM];
    const struct db_value text = db_text(slice_text(id));
    const struct db_value values[] = {text, db_text(email_normal(slice_text(id), room)), text};
    enum err err = db_query(db, statement, values, args, &rows);
    int status = CTL_DONE;
    if (err != ERR_OK)
        status = failed(db);
    else if (db_rows_next(rows))
        *number_r = db_rows_u64(rows, 0);
    else
        status = ctl_fail("there is no %s '%s'", what, id);
    db_rows_destroy(&rows);
    db_destroy(&db);
    return status;
}

int ctl_read_account(const struct ctl_settings *settings, const char *id, uint64_t *number_r) {
    return find(settings, &find_account, 3, "account", id, number_r);
}

int ctl_read_group(const struct ctl_settings *settings, const char *id, uint64_t *number_r) {
    return find(settings, &find_group, 1, "group", id, number_r);
}
