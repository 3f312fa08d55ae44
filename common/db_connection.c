/*
 * A connection to MariaDB: made, lost, and changed by faults.
 *
 * The client library never reconnects by itself: that would drop a transaction and its locks
 * without a word. db_close and db_connect are the only places where a connection ends and begins.
 */
/* limit: database | a transaction that stands idle | 10 s | the server ends it */
/*
 * limit: database | wait for a row's lock; a table's | 5 s; 15 s | `unavailable`, the
 * transaction is rolled back
 */
#include "common/db_connection.h"

#include <assert.h>
#include <errmsg.h>
#include <mysqld_error.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/loop.h"

/* Between attempts to connect. */
#define RETRY_MS 200
/*
 * limit: database | log lines about a server that lacks something | one in {FAULT_LOG_PAUSE_MS}
 * for each connection and code | at level debug
 */
/* Between two lines of one connection about a server that is out of something. */
#define FAULT_LOG_PAUSE_MS 10000
/*
 * limit: database | connecting | {CONNECT_TIMEOUT_S}, or the request's time; after a failure
 * nothing for {RETRY_MS} | `unavailable`
 */
#define CONNECT_TIMEOUT_S 5
/* limit: database | an answer | {ANSWER_TIMEOUT_S} | the connection is lost */
#define ANSWER_TIMEOUT_S 20
/*
 * limit: database | whether the server takes writes | asked once a second, where the connection
 * is used {CHECK_MS:} | the connection is closed, the name dialled anew
 */
/* A connection that is used is asked so often whether its server still is the one to write to. */
#define CHECK_MS 1000
/*
 * limit: database | a statement | the rest of its request's time, less an eighth (half a second
 * at most) for the answer; a script's two parts share it {ANSWER_MARGIN_MS:} | the server ends
 * it, also a `COMMIT`, and rolls back: `unavailable`
 */
/* The part of the time that is kept for the way back of an answer: an eighth, at most this. */
#define ANSWER_MARGIN_MS 500

const struct config_option db_options[] = {
    CONFIG_STRING(struct db_settings, db_host, "127.0.0.1", "host of MariaDB"),
    CONFIG_U64(struct db_settings, db_port, 3306, 1, 65535, "port", "port of MariaDB"),
    CONFIG_STRING(struct db_settings, db_socket, "", "unix socket of MariaDB; overrides db_host"),
    CONFIG_STRING(struct db_settings, db_user, "parley", "user of MariaDB"),
    CONFIG_SECRET(struct db_settings, db_password, "", "password of db_user"),
    CONFIG_STRING(struct db_settings, db_name, "parley", "database (schema) of MariaDB"),
    CONFIG_STRING(
        struct db_settings, db_tls_ca, "",
        "PEM file with the authority (or the certificate itself) of MariaDB's certificate: "
        "connections to db_host are encrypted, and the certificate must name it; empty: "
        "no TLS"),
    /*
     * limit: service | workers, each with a connection | {db_connections} (auth, group, delivery;
     * delivery has its writers besides) {DB_MAX_CONNECTIONS:} | requests wait
     */
    CONFIG_U64(struct db_settings, db_connections, 4, 1, DB_MAX_CONNECTIONS, "",
               "connections to MariaDB, each with a thread"),
    CONFIG_END};

static pthread_once_t library_once = PTHREAD_ONCE_INIT;

/* The library's own start on first use is not safe when threads make connections at once. */
static void start_library(void) {
    if (mysql_library_init(0, NULL, NULL) != 0)
        log_error("database_library", "text=\"cannot start the client library\"");
}

/* Frees all prepared statements. */
static void forget_prepared(struct db *self) {
    for (size_t i = 0; i < self->prepared_count; i++)
        mysql_stmt_close(self->prepared[i].stmt);
    self->prepared_count = 0;
}

struct db *db_new(const struct db_settings *settings, struct db_watch *watch) {
    pthread_once(&library_once, start_library);
    struct db *self = calloc(1, sizeof *self);
    if (self == NULL)
        return NULL;
    self->settings = settings;
    self->watch = watch;
    self->deadline_ms = INT64_MAX;
    self->mysql = mysql_init(NULL);
    if (self->mysql == NULL) {
        free(self);
        return NULL;
    }
    return self;
}

void db_destroy(struct db **self) {
    if (*self == NULL)
        return;
    mysql_close((*self)->mysql);
    forget_prepared(*self);
    free(*self);
    *self = NULL;
}

void db_close(struct db *self) {
    /* Closing first detaches the statements, so that freeing them sends nothing. */
    mysql_close(self->mysql);
    forget_prepared(self);
    self->mysql = mysql_init(NULL);
    self->connected = false;
    self->limit_ms = 0;
    if (self->state == DB_TRANSACTION)
        self->state = DB_LOST_TRANSACTION;
}

void db_undo(struct db *self) {
    if (self->state == DB_TRANSACTION && mysql_real_query(self->mysql, "ROLLBACK", 8) != 0) {
        log_warn("database_lost", "text=\"cannot roll back\"");
        db_close(self);
    }
    self->state = DB_IDLE;
}

/* --- faults ---------------------------------------------------------------------------------- */

static void log_fault(const struct db *self, enum log_level level, const char *event,
                      const char *name, unsigned code) {
    char quoted[LOG_QUOTED_BYTES];
    log_write(level, event, "statement=%s code=%u text=%s", name, code,
              log_quote(quoted, self->fault, strlen(self->fault)));
}

/* One line in FAULT_LOG_PAUSE_MS for a server that is out of something; all others at debug. */
static void log_short(struct db *self, const char *name, unsigned code) {
    int64_t now_ms = loop_now_ms();
    bool lately = self->logged_code == code && now_ms - self->logged_ms < FAULT_LOG_PAUSE_MS;
    log_fault(self, lately ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARN, "database_short", name, code);
    if (lately)
        return;
    self->logged_ms = now_ms;
    self->logged_code = code;
}

/* A lock wait that times out undoes one statement only, and keeps the locks. */
static void end_transaction(struct db *self) {
    if (self->state != DB_TRANSACTION)
        return;
    db_undo(self);
    self->state = DB_LOST_TRANSACTION;
}

enum err db_fail(struct db *self, const char *name, unsigned code, const char *text, bool commits) {
    enum db_fault_class class = db_fault_classify(code);
    /* Nothing follows the statement of a script that failed. */
    bool in_script = self->script.running;
    self->script.running = false;
    if (class == DB_FAULT_TAKEN) {
        db_fault_find_key(text, self->fault_key);
        snprintf(self->fault, sizeof self->fault, "duplicate entry for key '%s'", self->fault_key);
        return ERR_TAKEN;
    }
    db_fault_shorten(text, in_script, self->fault);
    switch (class) {
    case DB_FAULT_LOST:
        self->uncertain = commits;
        log_fault(self, LOG_LEVEL_WARN, "database_lost", name, code);
        db_close(self);
        return ERR_UNAVAILABLE;
    case DB_FAULT_ELSEWHERE:
        log_fault(self, LOG_LEVEL_DEBUG, "database_elsewhere", name, code);
        db_watch_away(self->watch, self->fault);
        /* The next attempt may follow at once, unless this server was dialled just now. */
        self->retry_at_ms = self->connected_ms + RETRY_MS;
        db_close(self);
        return ERR_UNAVAILABLE;
    case DB_FAULT_SHORT:
        log_short(self, name, code);
        end_transaction(self);
        return ERR_UNAVAILABLE;
    case DB_FAULT_BUSY:
        log_fault(self, LOG_LEVEL_DEBUG, "database_busy", name, code);
        end_transaction(self);
        return ERR_UNAVAILABLE;
    default:
        log_fault(self, LOG_LEVEL_ERROR, "database_error", name, code);
        if (db_fault_is_of_client(code))
            db_close(self);
        return ERR_INTERNAL;
    }
}

enum err db_fail_last(struct db *self, const char *name, bool commits) {
    return db_fail(self, name, mysql_errno(self->mysql), mysql_error(self->mysql), commits);
}

enum err db_fail_internal(struct db *self, const char *name, const char *text) {
    snprintf(self->fault, sizeof self->fault, "%s", text);
    log_fault(self, LOG_LEVEL_ERROR, "database_error", name, 0);
    return ERR_INTERNAL;
}

static enum err fail_late(struct db *self, const char *name) {
    snprintf(self->fault, sizeof self->fault, "its time was over");
    log_fault(self, LOG_LEVEL_DEBUG, "database_late", name, 0);
    end_transaction(self);
    return ERR_UNAVAILABLE;
}

static enum err fail_connect(struct db *self) {
    unsigned code = self->mysql == NULL ? CR_OUT_OF_MEMORY : mysql_errno(self->mysql);
    db_fault_describe_connect(self->settings, code,
                              self->mysql == NULL ? "out of memory" : mysql_error(self->mysql),
                              self->fault);
    log_fault(self, LOG_LEVEL_DEBUG, "database_unreachable", "connect", code);
    db_close(self);
    return ERR_UNAVAILABLE;
}

/* --- connecting ------------------------------------------------------------------------------ */

/* Encryption is demanded, and the server must prove its name: half of that protects from nobody who
 * can reach the line. */
static int set_tls_options(MYSQL *mysql, const char *authority) {
    const my_bool on = 1;
    return mysql_optionsv(mysql, MYSQL_OPT_SSL_ENFORCE, &on) ||
           mysql_optionsv(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &on) ||
           mysql_optionsv(mysql, MYSQL_OPT_SSL_CA, authority) ||
           mysql_optionsv(mysql, MARIADB_OPT_TLS_VERSION, "TLSv1.2,TLSv1.3");
}

static int set_options(MYSQL *mysql, bool use_socket, unsigned connect_timeout) {
    const unsigned answer_timeout = ANSWER_TIMEOUT_S;
    const unsigned protocol = use_socket ? MYSQL_PROTOCOL_SOCKET : MYSQL_PROTOCOL_TCP;
    const unsigned no_local_files = 0;
    /* Escaping in scripts relies on this character set and on this sql_mode. */
    return mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4") ||
           mysql_options(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &connect_timeout) ||
           mysql_options(mysql, MYSQL_OPT_READ_TIMEOUT, &answer_timeout) ||
           mysql_options(mysql, MYSQL_OPT_WRITE_TIMEOUT, &answer_timeout) ||
           mysql_options(mysql, MYSQL_OPT_PROTOCOL, &protocol) ||
           mysql_options(mysql, MYSQL_OPT_LOCAL_INFILE, &no_local_files) ||
           mysql_options(mysql, MYSQL_INIT_COMMAND,
                         "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED") ||
           mysql_options(mysql, MYSQL_INIT_COMMAND,
                         "SET SESSION autocommit = 1, innodb_lock_wait_timeout = 5,"
                         /* Long IN lists stay ranges of a key: rows are locked in its order. */
                         " in_predicate_conversion_threshold = 0,"
                         " lock_wait_timeout = 15, idle_transaction_timeout = 10,"
                         " time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,"
                         "ERROR_FOR_DIVISION_BY_ZERO,NO_ZERO_DATE,NO_ZERO_IN_DATE,"
                         "NO_ENGINE_SUBSTITUTION'");
}

/* Between statements the server sends nothing: an end of file, or a farewell, means that it hung
 * up. Under TLS there may be bytes that belong to TLS alone. */
static bool server_hung_up(struct db *self) {
    struct pollfd line = {.fd = mysql_get_socket(self->mysql), .events = POLLIN | POLLRDHUP};
    if (poll(&line, 1, 0) <= 0)
        return false;
    return line.revents != POLLIN || mysql_get_ssl_cipher(self->mysql) == NULL;
}

/*
 * Whether the server takes writes. One that does not is a replica, or was the primary until just
 * now: behind the same name or proxy there may be a new one, and rows read here may be old.
 */
static enum err check_server(struct db *self) {
    static const char sql[] = "SELECT @@global.read_only NOT IN ('0', 'OFF')"
                              " OR @@global.innodb_read_only NOT IN ('0', 'OFF')";
    if (mysql_real_query(self->mysql, sql, sizeof sql - 1) != 0)
        return db_fail_last(self, "check", false);
    MYSQL_RES *result = mysql_store_result(self->mysql);
    MYSQL_ROW row = result == NULL ? NULL : mysql_fetch_row(result);
    bool writable = row != NULL && row[0] != NULL && row[0][0] == '0';
    mysql_free_result(result);
    if (!writable)
        return db_fail(self, "check", ER_OPTION_PREVENTS_STATEMENT, "the server is read-only",
                       false);
    self->checked_ms = loop_now_ms();
    db_watch_there(self->watch);
    return ERR_OK;
}

/* Whether the connection that there is can be used on; else it is closed. */
static bool is_sound(struct db *self) {
    if (self->state != DB_IDLE)
        return true;
    if (server_hung_up(self)) {
        log_warn("database_lost", "text=\"the server hung up\"");
        db_close(self);
        return false;
    }
    return loop_now_ms() - self->checked_ms < CHECK_MS || check_server(self) == ERR_OK;
}

static unsigned connect_timeout_s(const struct db *self) {
    int64_t left_ms = self->deadline_ms - loop_now_ms();
    if (left_ms >= CONNECT_TIMEOUT_S * 1000)
        return CONNECT_TIMEOUT_S;
    return left_ms < 1000 ? 1 : (unsigned)(left_ms / 1000);
}

static enum err make_connection(struct db *self) {
    if (self->mysql == NULL)
        self->mysql = mysql_init(NULL);
    if (self->mysql == NULL)
        return fail_connect(self);
    const struct db_settings *s = self->settings;
    bool use_socket = s->db_socket[0] != '\0';
    bool use_tls = !use_socket && s->db_tls_ca[0] != '\0';
    if (set_options(self->mysql, use_socket, connect_timeout_s(self)) != 0 ||
        (use_tls && set_tls_options(self->mysql, s->db_tls_ca) != 0) ||
        mysql_real_connect(self->mysql, use_socket ? NULL : s->db_host, s->db_user, s->db_password,
                           s->db_name, use_socket ? 0 : (unsigned)s->db_port,
                           use_socket ? s->db_socket : NULL, CLIENT_MULTI_STATEMENTS) == NULL)
        return fail_connect(self);
    self->connected = true;
    self->connections++;
    self->connected_ms = loop_now_ms();
    return check_server(self);
}

enum err db_connect(struct db *self) {
    assert(!self->script.running);
    if (self->connected && is_sound(self))
        return ERR_OK;
    if (loop_now_ms() < self->retry_at_ms)
        return ERR_UNAVAILABLE;
    enum err err = make_connection(self);
    if (err != ERR_OK) {
        self->retry_at_ms = loop_now_ms() + RETRY_MS;
        db_watch_away(self->watch, self->fault);
        return err;
    }
    log_debug("database_connected", "");
    return ERR_OK;
}

/* --- time ------------------------------------------------------------------------------------ */

void db_set_deadline(struct db *self, int64_t deadline_ms) {
    int64_t left_ms = deadline_ms - loop_now_ms(), margin_ms = left_ms > 0 ? left_ms / 8 : 0;
    if (margin_ms > ANSWER_MARGIN_MS)
        margin_ms = ANSWER_MARGIN_MS;
    self->deadline_ms = deadline_ms == INT64_MAX ? INT64_MAX : deadline_ms - margin_ms;
    self->uncertain = false;
}

static enum err set_limit(struct db *self, int64_t limit_ms) {
    char sql[80];
    int length = snprintf(sql, sizeof sql, "SET SESSION max_statement_time = %lld.%03lld",
                          (long long)(limit_ms / 1000), (long long)(limit_ms % 1000));
    if (mysql_real_query(self->mysql, sql, (size_t)length) != 0)
        return db_fail_last(self, "set_limit", false);
    self->limit_ms = limit_ms;
    return ERR_OK;
}

/*
 * A limit that fits stays, so that in good times, when callers all wait for about as long, it is
 * set once for many requests.
 */
static enum err limit_statements(struct db *self, unsigned statements) {
    if (self->deadline_ms == INT64_MAX)
        return self->limit_ms == 0 ? ERR_OK : set_limit(self, 0);
    int64_t most_ms = (self->deadline_ms - loop_now_ms()) / statements;
    if (most_ms > ANSWER_TIMEOUT_S * 1000)
        most_ms = ANSWER_TIMEOUT_S * 1000;
    if (self->limit_ms <= most_ms && self->limit_ms > most_ms / 4)
        return ERR_OK;
    return set_limit(self, most_ms * 3 / 4 > 0 ? most_ms * 3 / 4 : 1);
}

enum err db_ready(struct db *self, const char *name, unsigned statements) {
    assert(!self->script.running);
    if (self->state == DB_LOST_TRANSACTION)
        return ERR_UNAVAILABLE;
    if (loop_now_ms() >= self->deadline_ms)
        return fail_late(self, name);
    enum err err = self->connected ? ERR_OK : db_connect(self);
    return err == ERR_OK ? limit_statements(self, statements) : err;
}

void db_note_state(struct db *self) {
    if (self->state != DB_LOST_TRANSACTION)
        self->state =
            self->mysql->server_status & SERVER_STATUS_IN_TRANS ? DB_TRANSACTION : DB_IDLE;
}

/* --- what the last statement left ------------------------------------------------------------ */

uint64_t db_connections(const struct db *self) { return self->connections; }

uint64_t db_affected(const struct db *self) { return self->affected; }

uint64_t db_insert_id(const struct db *self) { return self->insert_id; }

const char *db_fault(const struct db *self) { return self->fault; }

bool db_fault_key(const struct db *self, const char *key) {
    return strcmp(self->fault_key, key) == 0;
}

bool db_uncertain(const struct db *self) { return self->uncertain; }
