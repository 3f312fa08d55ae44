/*
 * What services make of a database whose columns of numbers hold the ends of their types: every
 * request is answered or refused, and they go on. (Built with SANITIZE=undefined, they end at the
 * first overflow.)
 *
 * The columns are those that information_schema lists, the requests those of proto/messages.def
 * with the ids of a small scene in their fields, so that what is new is covered.
 */
#include <inttypes.h>
#include <string.h>

#include "common/db.h"
#include "proto/conversation.h"
#include "proto/messages.h"
#include "tests/support/fake_peer.h"
#include "tests/support/service_process.h"
#include "tests/support/test_caller.h"
#include "tests/support/test_db.h"
#include "tests/support/test_folder.h"
#include "tests/support/test_list.h"
#include "tests/support/test_sql.h"

#define SERVICES 4
#define SHOWN_BYTES 3000

struct columns_fixture {
    struct test_database *database;
    const char *folder;
    struct db *db;
    struct fake_peer *session;
    struct service_process *services[SERVICES];
    struct test_caller *callers[SERVICES];
    uint64_t ada, ben, group, cid, made;
    uint64_t file, upload; /* finished and shown; open, by this token: */
    char token[65];
    bool asks_group; /* requests that are about a person or a group are about the group */
};

static const char *const names[SERVICES] = {"delivery", "group", "auth", "files"};

/* --- requests ------------------------------------------------------------------------------ */

static uint64_t number_for(const struct columns_fixture *f, const char *name) {
    const struct {
        const char *name;
        uint64_t number;
    } known[] = {
        {"account", f->ada},  {"by", f->ada},
        {"accounts", f->ada}, {"user", f->asks_group ? 0 : f->ben},
        {"target", f->ben},   {"asker", f->ben},
        {"friend", f->ben},   {"subject", f->ben},
        {"group", f->group},  {"to_group", f->asks_group ? f->group : 0},
        {"cid", f->cid},      {"cids", f->cid},
        {"around", f->cid},   {"to_account", f->asks_group ? 0 : f->ben},
        {"number", 1},        {"days", 1},
        {"uses", 1},          {"counts", 1},
        {"conversations", 1}, {"from_others", 1},
        {"seen", f->cid},     {"until_ms", 1},
        {"file", f->file},    {"size", 5},
        {"length", 5},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(known[i].name, name) == 0)
            return known[i].number;
    return 0;
}

static const char *text_for(struct columns_fixture *f, const struct message_desc *message,
                            const char *name) {
    bool makes = message == &message_AUTH_REGISTER || message == &message_AUTH_ADD ||
                 message == &message_GROUP_CREATE;
    if (strcmp(name, "id") == 0)
        return makes ? test_text("new%" PRIu64, f->made++) : "ada";
    if (strcmp(name, "login") == 0 || strcmp(name, "ids") == 0)
        return "ada";
    if (strcmp(name, "email") == 0 || strcmp(name, "password") == 0 || strcmp(name, "avatar") == 0)
        return "";
    if (strcmp(name, "nonces") == 0)
        return test_text("%016" PRIu64, f->made++);
    if (strcmp(name, "nonce") == 0 || strcmp(name, "mentions") == 0 ||
        strcmp(name, "sha256") == 0 || strcmp(name, "mime") == 0)
        return "";
    if (strcmp(name, "token") == 0 && message != NULL && strncmp(message->name, "files.", 6) == 0)
        return f->token;
    return "some";
}

/* One item in each list that has to be there; pull's lists and the references of texts may be left
 * out. */
static bool has_item(const struct message_desc *message, const struct record_field *field) {
    return field->required || message == &message_DELIVERY_CHECK;
}

static bool has_field(const struct message_desc *message, const char *name) {
    for (size_t i = 0; i < message->body->field_count; i++)
        if (strcmp(message->body->fields[i].name, name) == 0)
            return true;
    return false;
}

static void fill(struct columns_fixture *f, const struct message_desc *message, char *body,
                 struct record_arena *arena) {
    for (size_t i = 0; i < message->body->field_count; i++) {
        const struct record_field *field = &message->body->fields[i];
        char *member = body + field->offset;
        struct record_list list = {record_arena_alloc(arena, sizeof(struct slice)), 1};
        if (field->type == RECORD_U64) {
            bool of_upload = strcmp(field->name, "file") == 0 && has_field(message, "token");
            *(uint64_t *)member = of_upload ? f->upload : number_for(f, field->name);
        } else if (field->type == RECORD_BOOL) {
            *(bool *)member = strcmp(field->name, "open") == 0 || strcmp(field->name, "on") == 0 ||
                              strcmp(field->name, "confirm") == 0;
        } else if (field->type == RECORD_TEXT || field->type == RECORD_BYTES) {
            *(struct slice *)member = slice_text(text_for(f, message, field->name));
        } else if (has_item(message, field) && field->type == RECORD_U64S) {
            *(uint64_t *)list.items = number_for(f, field->name);
            *(struct record_list *)member = list;
        } else if (has_item(message, field) && field->type != RECORD_LIST) {
            *(struct slice *)list.items = slice_text(text_for(f, message, field->name));
            *(struct record_list *)member = list;
        }
    }
}

/* After these little is left to be read. */
static bool is_end(const struct message_desc *message) {
    static const char *const ends[] = {"group.leave",       "group.remove",   "group.dissolve",
                                       "group.forget",      "group.unfriend", "group.ban",
                                       "auth.forget",       "auth.remove",    "auth.logout",
                                       "auth.set_disabled", "files.abandon"};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        if (strcmp(message->name, ends[i]) == 0)
            return true;
    return false;
}

static bool names_either(const struct message_desc *message) {
    unsigned found = 0;
    for (size_t i = 0; i < message->body->field_count; i++)
        found += strcmp(message->body->fields[i].name, "user") == 0 ||
                 strcmp(message->body->fields[i].name, "to_account") == 0 ||
                 strcmp(message->body->fields[i].name, "group") == 0 ||
                 strcmp(message->body->fields[i].name, "to_group") == 0;
    return found == 2;
}

static size_t post(struct columns_fixture *f, struct test_caller *caller,
                   const struct message_desc *message) {
    size_t count = 0;
    const int last = names_either(message) ? 1 : 0; /* asked for a person, and for a group */
    for (int group = 0; group <= last; group++) {
        struct record_arena arena = {0};
        char *body = record_arena_alloc(&arena, message->body->size);
        assert_non_null(body);
        f->asks_group = group;
        fill(f, message, body, &arena);
        if (names_either(message) && !group) /* else both would be named */
            for (size_t i = 0; i < message->body->field_count; i++)
                if (strcmp(message->body->fields[i].name, "group") == 0)
                    *(uint64_t *)(body + message->body->fields[i].offset) = 0;
        test_caller_post(caller, message, body);
        record_arena_free(&arena);
        count++;
    }
    return count;
}

static size_t post_all(struct columns_fixture *f, size_t service, bool ends) {
    size_t count = 0, length = strlen(names[service]);
    for (size_t i = 0; i < proto_messages_count; i++) {
        const struct message_desc *message = proto_messages[i];
        if (strncmp(message->name, names[service], length) == 0 && message->name[length] == '.' &&
            message->reply != NULL && is_end(message) == ends)
            count += post(f, f->callers[service], message);
    }
    return count;
}

static void expect_well(const struct columns_fixture *f, size_t service, const char *change) {
    const char *output = service_process_output(f->services[service]);
    const char *report = strstr(output, "runtime error");
    size_t length = strlen(output);
    if (report == NULL && !service_process_is_running(f->services[service]))
        report = length > SHOWN_BYTES ? output + length - SHOWN_BYTES : output;
    if (report != NULL)
        fail_msg("%s did not stand \"%s\": %.*s", names[service], change, SHOWN_BYTES, report);
}

/* Returns how many requests succeeded. */
static size_t ask_all(struct columns_fixture *f, const char *change) {
    size_t good = 0;
    for (int ends = 0; ends <= 1; ends++) {
        size_t counts[SERVICES];
        for (size_t i = 0; i < SERVICES; i++)
            counts[i] = post_all(f, i, ends);
        for (size_t i = 0; i < SERVICES; i++)
            for (uint64_t id; counts[i] > 0; counts[i]--) {
                expect_well(f, i, change);
                good += test_caller_take(f->callers[i], &id) == ERR_OK;
            }
    }
    for (size_t i = 0; i < SERVICES; i++)
        expect_well(f, i, change);
    return good;
}

/* --- the scene ----------------------------------------------------------------------------- */

static void ask(struct columns_fixture *f, size_t service, const struct message_desc *message,
                const void *body, void *reply) {
    enum err err = test_caller_ask(f->callers[service], message, body, reply);
    if (err != ERR_OK)
        fail_msg("%s: %s", message->name, err_word(err));
}

static uint64_t say(struct columns_fixture *f, uint64_t to, uint64_t to_group) {
    struct slice text = slice_text("hello"), nonce = slice_text(text_for(f, NULL, "nonces"));
    struct delivery_send send = {.account = f->ada,
                                 .to_account = to,
                                 .to_group = to_group,
                                 .texts = {&text, 1},
                                 .nonces = {&nonce, 1}};
    struct delivery_send_reply reply;
    ask(f, 0, &message_DELIVERY_SEND, &send, &reply);
    return reply.cids.items[0];
}

static uint64_t open_upload(struct columns_fixture *f) {
    struct files_open_reply opened;
    const struct files_open open = {.account = f->ada,
                                    .name = slice_text("a.txt"),
                                    .size = 5,
                                    .nonce = slice_text(text_for(f, NULL, "nonces"))};
    ask(f, 3, &message_FILES_OPEN, &open, &opened);
    snprintf(f->token, sizeof f->token, "%.*s", (int)opened.token.length, opened.token.data);
    return opened.file;
}

/* A file that a message shows, and an upload. */
static void make_files(struct columns_fixture *f) {
    struct slice nothing = {0}, nonce = slice_text(text_for(f, NULL, "nonces"));
    struct file file;
    uint64_t kind = FILE_PLAIN;
    f->file = open_upload(f);
    ask(f, 3, &message_FILES_APPEND,
        &(struct files_append){
            .file = f->file, .token = slice_text(f->token), .data = slice_text("hello")},
        &(struct files_append_reply){0});
    ask(f, 3, &message_FILES_FINISH,
        &(struct files_finish){.file = f->file, .token = slice_text(f->token)}, &file);
    ask(f, 0, &message_DELIVERY_SEND,
        &(struct delivery_send){.account = f->ada,
                                .to_account = f->ben,
                                .texts = {&nothing, 1},
                                .nonces = {&nonce, 1},
                                .files = {&f->file, 1},
                                .captions = {&nothing, 1},
                                .file_kinds = {&kind, 1}},
        &(struct delivery_send_reply){0});
    f->upload = open_upload(f);
}

static void make_scene(struct columns_fixture *f) {
    struct auth_register_reply account;
    struct auth_login_reply login;
    struct group_create_reply group;
    ask(f, 2, &message_AUTH_ADD, &(struct auth_register){.id = slice_text("ada")}, &account);
    f->ada = account.account;
    ask(f, 2, &message_AUTH_ADD, &(struct auth_register){.id = slice_text("ben")}, &account);
    f->ben = account.account;
    ask(f, 2, &message_AUTH_LOGIN, &(struct auth_login){.login = slice_text("ada"), .open = true},
        &login);
    ask(f, 2, &message_AUTH_MAKE_REGISTRATION_TOKEN,
        &(struct auth_make_registration_token){.uses = 2, .days = 2}, NULL);
    ask(f, 1, &message_GROUP_CREATE,
        &(struct group_create){.account = f->ada, .nonce = slice_text("0123456789abcdef")}, &group);
    f->group = group.group;
    ask(f, 1, &message_GROUP_ADD, &(struct group_add){.group = f->group, .account = f->ben}, NULL);
    ask(f, 1, &message_GROUP_BEFRIEND, &(struct group_befriend){f->ada, f->ben, {0}}, NULL);
    ask(f, 1, &message_GROUP_ANSWER_FRIEND,
        &(struct group_answer_friend){.account = f->ben, .asker = f->ada, .accept = true}, NULL);
    ask(f, 1, &message_GROUP_SET_RETENTION,
        &(struct group_set_retention){.group = f->group, .days = 30}, NULL);
    f->cid = say(f, 0, f->group);
    f->cid = say(f, f->ben, 0);
    ask(f, 0, &message_DELIVERY_REACT,
        &(struct delivery_react){
            .account = f->ben, .user = f->ada, .cid = f->cid, .emoji = slice_text("x"), .on = true},
        NULL);
    make_files(f);
}

/* --- tables -------------------------------------------------------------------------------- */

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static int print_named(char *out, size_t bytes, const char *format, struct slice name) {
    return snprintf(out, bytes, format, (int)name.length, name.data);
}
#pragma GCC diagnostic pop

/* Runs the statements with the name of each table that holds data in place of %2$.*1$s. */
static void each_table(struct columns_fixture *f, const char *format) {
    static const struct db_statement list = {
        "list_tables", "SELECT table_name FROM information_schema.tables WHERE table_schema ="
                       " DATABASE() AND table_type = 'BASE TABLE' AND table_name NOT LIKE "
                       "'kept\\_%' AND table_name <>"
                       " 'schema_version' ORDER BY table_name"};
    struct buffer script = buffer_make(1 << 20);
    struct db_rows *rows;
    assert_int_equal(db_query(f->db, &list, DB_NO_ARGS, &rows), ERR_OK);
    while (db_rows_next(rows)) {
        struct slice name = db_rows_slice(rows, 0);
        char one[512];
        int length = print_named(one, sizeof one, format, name);
        buffer_add(&script, one, (size_t)length);
    }
    db_rows_destroy(&rows);
    buffer_add(&script, "", 1); /* its end */
    test_db_do(f->db, script.data);
    buffer_free(&script);
}

static void restore(struct columns_fixture *f) {
    test_db_do(f->db, "START TRANSACTION");
    each_table(f, "DELETE FROM `%2$.*1$s`; INSERT INTO `%2$.*1$s` SELECT * FROM `kept_%2$.*1$s`;");
    test_db_do(f->db, "COMMIT");
}

/* --- columns ------------------------------------------------------------------------------- */

#define MAX_COLUMNS 512

struct column {
    char table[65], name[65];
    uint64_t most;
    bool in_key;
};

static uint64_t most_of(const char *type, bool is_unsigned) {
    static const struct {
        const char *type;
        unsigned bits;
    } types[] = {{"tinyint", 8}, {"smallint", 16}, {"mediumint", 24}, {"int", 32}, {"bigint", 64}};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(types[i].type, type) == 0)
            return UINT64_MAX >> (64 - types[i].bits + !is_unsigned);
    fail_msg("numbers of type %s are not known here", type);
    return 0;
}

static void copy(struct slice from, char *to, size_t bytes) {
    snprintf(to, bytes, "%.*s", (int)from.length, from.data);
}

/* In the order of their tables. */
static size_t list_columns(struct columns_fixture *f, struct column *columns) {
    static const struct db_statement list = {
        "list_columns",
        "SELECT table_name, column_name, data_type, column_type LIKE '%unsigned%',"
        " column_key <> '' FROM information_schema.columns JOIN information_schema.tables USING"
        " (table_schema, table_name) WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'"
        " AND numeric_precision IS NOT NULL AND table_name NOT LIKE 'kept\\_%' AND table_name <>"
        " 'schema_version' ORDER BY table_name, ordinal_position"};
    struct db_rows *rows;
    size_t count = 0;
    assert_int_equal(db_query(f->db, &list, DB_NO_ARGS, &rows), ERR_OK);
    while (db_rows_next(rows)) {
        char type[65];
        assert_true(count < MAX_COLUMNS);
        struct column *column = &columns[count++];
        copy(db_rows_slice(rows, 0), column->table, sizeof column->table);
        copy(db_rows_slice(rows, 1), column->name, sizeof column->name);
        copy(db_rows_slice(rows, 2), type, sizeof type);
        column->most = most_of(type, db_rows_u64(rows, 3) != 0);
        column->in_key = db_rows_u64(rows, 4) != 0;
    }
    db_rows_destroy(&rows);
    return count;
}

/* Makes the change, asks for everything, and undoes all that has come of it. */
static void try_change(struct columns_fixture *f, const char *change) {
    test_db_do(f->db, change);
    ask_all(f, change);
    restore(f);
}

static void add_set(char *sql, size_t bytes, const struct column *column, uint64_t value,
                    bool first) {
    size_t length = strlen(sql);
    snprintf(sql + length, bytes - length, "%s `%s` = %" PRIu64, first ? "" : ",", column->name,
             value < column->most ? value : column->most);
}

/* All columns of a table that are in no key. */
static void try_table(struct columns_fixture *f, const struct column *columns, size_t count,
                      uint64_t value) {
    char change[4096];
    bool first = true;
    snprintf(change, sizeof change, "UPDATE IGNORE `%.64s` SET", columns[0].table);
    for (size_t i = 0; i < count; i++)
        if (!columns[i].in_key) {
            add_set(change, sizeof change, &columns[i], value, first);
            first = false;
        }
    if (!first)
        try_change(f, change);
}

static size_t table_length(const struct column *columns, size_t count) {
    size_t length = 0;
    while (length < count && strcmp(columns[length].table, columns[0].table) == 0)
        length++;
    return length;
}

#define COLUMNS_TEST(name_) TEST_WITH(name_, struct columns_fixture *f, NULL, NULL)

/* What is asked for here makes sense, or nothing would be read. */
COLUMNS_TEST(the_scene_is_one) {
    size_t good = ask_all(f, "nothing");
    restore(f);
    if (good < 52)
        fail_msg("only %zu requests succeed", good);
}

COLUMNS_TEST(each_column_at_its_most) {
    static struct column columns[MAX_COLUMNS];
    size_t count = list_columns(f, columns);
    assert_true(count > 0);
    for (size_t i = 0; i < count; i++) {
        char change[512];
        snprintf(change, sizeof change, "UPDATE IGNORE `%.64s` SET", columns[i].table);
        add_set(change, sizeof change, &columns[i], UINT64_MAX, true);
        try_change(f, change);
    }
}

COLUMNS_TEST(each_table_at_the_ends_of_numbers) {
    static const uint64_t values[] = {0, RECORD_NUMBER_MOST, RECORD_NUMBER_MOST + 1,
                                      (uint64_t)INT64_MAX + 1};
    static struct column columns[MAX_COLUMNS];
    size_t count = list_columns(f, columns), length;
    for (size_t from = 0; from < count; from += length) {
        length = table_length(columns + from, count - from);
        for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
            try_table(f, columns + from, length, values[i]);
    }
}

/* --- all ----------------------------------------------------------------------------------- */

static void start(struct columns_fixture *f, size_t service, uint16_t session_port) {
    uint16_t port = test_free_port();
    bool is_auth = strcmp(names[service], "auth") == 0;
    bool is_files = strcmp(names[service], "files") == 0;
    const char *arguments[] = {
        test_text("--%s-port=%u", names[service], (unsigned)port),
        is_auth    ? "--password-memory-kib=8"
        : is_files ? test_text("--files-folder=%s", f->folder)
                   : test_text("--session-peers=tcp://127.0.0.1:%u", (unsigned)session_port),
        NULL};
    f->services[service] =
        service_process_start(test_text("parley-%s", names[service]), NULL, arguments);
    service_process_wait_ready(f->services[service]);
    f->callers[service] = test_caller_new("caller", port);
}

static int set_up(void **state) {
    static struct columns_fixture fixture;
    struct columns_fixture *f = *state = &fixture;
    uint16_t session_port = test_free_port();
    f->database = test_database_new("columns");
    f->folder = test_folder();
    f->db = test_db_new(test_database_settings(f->database));
    f->session = fake_peer_new("session", session_port);
    fake_peer_pass_over(f->session, &message_SESSION_ROUTE);
    for (size_t i = 0; i < SERVICES; i++)
        start(f, i, session_port);
    make_scene(f);
    test_db_do(f->db, "SET foreign_key_checks = 0");
    each_table(f, "CREATE TABLE `kept_%2$.*1$s` AS SELECT * FROM `%2$.*1$s`;");
    return 0;
}

static int tear_down(void **state) {
    struct columns_fixture *f = *state;
    int status = 0;
    for (size_t i = 0; i < SERVICES; i++) {
        test_caller_destroy(&f->callers[i]);
        if (f->services[i] != NULL)
            status |= service_process_stop(&f->services[i]);
    }
    fake_peer_destroy(&f->session);
    db_destroy(&f->db);
    test_database_destroy(&f->database);
    return status;
}

int main(void) { return test_run_all(set_up, tear_down); }
