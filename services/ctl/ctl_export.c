/* parleyctl user export; see ctl_export.h. */
#include "services/ctl/ctl_export.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>

/* A JSON line for each row. `kinds`: of each column n number, t text; N, T: left out where there is
 * none. */
struct part {
    struct db_statement statement;
    const char *kind, *kinds;
    const char *names[10];
};

/* Texts lie in the conversations that an account reads; no index has their senders. */
static const struct db_statement conversations = {
    "export_conversations", "SELECT c.conversation FROM `cursor` c"
                            " JOIN conversation k ON k.id = c.conversation"
                            " WHERE c.account = ? AND k.kind IN (0, 1) ORDER BY c.conversation"};

static const struct part profile = {
    {"export_profile", "SELECT number, id, name, email, about, avatar, created_ms FROM account"
                       " WHERE number = ?"},
    "profile",
    "nttTTTn",
    {"number", "id", "name", "email", "about", "avatar", "created_ms"}};
static const struct part friends = {
    {"export_friends", "SELECT a.number, a.id, a.name, r.remark, f.created_ms FROM"
                       " (SELECT hi AS number, created_ms FROM friendship WHERE lo = ?"
                       " UNION ALL SELECT lo, created_ms FROM friendship WHERE hi = ?) f"
                       " JOIN account a ON a.number = f.number"
                       " LEFT JOIN remark r ON r.account = ? AND r.friend = f.number"
                       " ORDER BY a.number"},
    "friend",
    "nttTn",
    {"number", "id", "name", "remark", "since_ms"}};
static const struct part groups = {
    {"export_groups", "SELECT k.lo, k.string_id, k.name,"
                      " ELT(m.role, 'member', 'administrator', 'owner'), m.nick, m.joined_ms"
                      " FROM member m JOIN conversation k ON k.id = m.conversation"
                      " WHERE m.account = ? ORDER BY k.lo"},
    "group",
    "ntttTn",
    {"number", "id", "name", "role", "nick", "joined_ms"}};
/* The bytes themselves are in the store, under these numbers. */
static const struct part files = {
    {"export_files",
     "SELECT LPAD(LOWER(HEX(f.id)), 16, '0'), f.name, f.mime, f.size, f.finished_ms,"
     " (SELECT t.added_ms FROM sticker t WHERE t.account = f.account"
     " AND t.file = f.id) FROM file f"
     " WHERE f.account = ? AND f.finished_ms IS NOT NULL ORDER BY f.finished_ms, f.id"},
    "file",
    "tttnnN",
    {"file", "name", "mime", "size", "uploaded_ms", "sticker_ms"}};
/* Rows of others are there as cids alone, so that the next page begins behind them. */
static const struct part texts = {
    {"export_texts",
     "SELECT m.cid, m.time_ms, IF(m.own, o.id, NULL), IF(m.own AND k.kind = 1, k.string_id, NULL),"
     " IF(m.own, m.body, NULL), NULLIF(m.edited_ms, 0) FROM"
     " (SELECT conversation, cid, time_ms, sender = ? AND type = 0 AS own, body, edited_ms"
     " FROM message WHERE conversation = ? AND cid > ? ORDER BY cid LIMIT ?) m"
     " JOIN conversation k ON k.id = m.conversation LEFT JOIN account o ON k.kind = 0"
     " AND o.number = IF(k.lo = ?, k.hi, k.lo) ORDER BY m.cid"},
    "text",
    "nnTTtN",
    {"cid", "time_ms", "to_user", "to_group", "msg", "edited_ms"}};
#define TEXT_CID 0
#define TEXT_MSG 4

static bool add_cell(cJSON *line, const char *name, char kind, const struct db_rows *rows,
                     unsigned column) {
    bool optional = kind == 'T' || kind == 'N';
    if (optional && db_rows_null(rows, column))
        return true;
    if (kind == 'n' || kind == 'N')
        return cJSON_AddNumberToObject(line, name, (double)db_rows_u64(rows, column)) != NULL;
    char *text = slice_copy(db_rows_slice(rows, column));
    bool added = text != NULL && cJSON_AddStringToObject(line, name, text) != NULL;
    free(text);
    return added;
}

static int print_line(const struct part *part, const struct db_rows *rows) {
    cJSON *line = cJSON_CreateObject();
    bool filled = cJSON_AddStringToObject(line, "kind", part->kind) != NULL;
    for (unsigned i = 0; filled && part->kinds[i] != '\0'; i++)
        filled = add_cell(line, part->names[i], part->kinds[i], rows, i);
    char *json = filled ? cJSON_PrintUnformatted(line) : NULL;
    int status = CTL_DONE;
    if (json == NULL)
        status = ctl_fail("out of memory");
    else if (puts(json) == EOF)
        status = ctl_fail("cannot write to standard output");
    cJSON_free(json);
    cJSON_Delete(line);
    return status;
}

static int failed(const struct db *db) {
    return ctl_fail("cannot read the database: %s", db_fault(db));
}

/* `nothing`: the name of the missing thing if there is no row; NULL: there may be none. */
static int print_part(struct db *db, const struct part *part, const struct db_value *args,
                      size_t arg_count, const char *nothing) {
    struct db_rows *rows;
    int status = CTL_DONE;
    if (db_query(db, &part->statement, args, arg_count, &rows) != ERR_OK)
        return failed(db);
    if (nothing != NULL && db_rows_count(rows) == 0)
        status = ctl_fail("there is no %s", nothing);
    while (status == CTL_DONE && db_rows_next(rows))
        status = print_line(part, rows);
    db_rows_destroy(&rows);
    return status;
}

/* A page of one conversation; `after_r` moves to its last row. `more_r`: it was full. */
static int print_page(struct db *db, uint64_t account, uint64_t conversation, uint64_t *after_r,
                      bool *more_r) {
    struct db_rows *rows;
    int status = CTL_DONE;
    if (db_query(db, &texts.statement,
                 DB_ARGS(db_u64(account), db_u64(conversation), db_u64(*after_r),
                         db_u64(EXPORT_PAGE), db_u64(account)),
                 &rows) != ERR_OK)
        return failed(db);
    *more_r = db_rows_count(rows) == EXPORT_PAGE;
    while (status == CTL_DONE && db_rows_next(rows)) {
        *after_r = db_rows_u64(rows, TEXT_CID);
        if (!db_rows_null(rows, TEXT_MSG))
            status = print_line(&texts, rows);
    }
    db_rows_destroy(&rows);
    return status;
}

static int print_texts(struct db *db, uint64_t account) {
    struct db_rows *rows;
    int status = CTL_DONE;
    if (db_query(db, &conversations, DB_ARGS(db_u64(account)), &rows) != ERR_OK)
        return failed(db);
    while (status == CTL_DONE && db_rows_next(rows)) {
        uint64_t after = 0;
        for (bool more = true; more && status == CTL_DONE;)
            status = print_page(db, account, db_rows_u64(rows, 0), &after, &more);
    }
    db_rows_destroy(&rows);
    return status;
}

int ctl_export(const struct ctl_settings *settings, uint64_t account) {
    const struct db_value number = db_u64(account);
    struct db *db = db_new(&settings->db, NULL);
    if (db == NULL)
        return ctl_fail("out of memory");
    int status = print_part(db, &profile, DB_ARGS(number), "such account");
    if (status == CTL_DONE)
        status = print_part(db, &friends, DB_ARGS(number, number, number), NULL);
    if (status == CTL_DONE)
        status = print_part(db, &groups, DB_ARGS(number), NULL);
    if (status == CTL_DONE)
        status = print_part(db, &files, DB_ARGS(number), NULL);
    if (status == CTL_DONE)
        status = print_texts(db, account);
    if (status == CTL_DONE && fflush(stdout) != 0)
        status = ctl_fail("cannot write to standard output");
    db_destroy(&db);
    return status;
}
