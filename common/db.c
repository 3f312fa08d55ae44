/*
 * A connection to MariaDB: making it, losing it, and the transactions on it.
 *
 * The client library never reconnects by itself: that would drop a transaction and its locks
 * without a word. db_close and db_connect are the only places where a connection ends and begins.
 */
#include "common/db.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/db_private.h"
#include "common/log.h"
#include "common/loop.h"

#define CONNECT_TIMEOUT_S 5
#define ANSWER_TIMEOUT_S 20
#define RETRY_MS 200

const struct config_option db_options[] = {
    CONFIG_STRING(struct db_settings, db_host, "127.0.0.1", "host of MariaDB"),
    CONFIG_U64(struct db_settings, db_port, 3306, 1, 65535, "port", "port of MariaDB"),
    CONFIG_STRING(struct db_settings, db_socket, "", "unix socket of MariaDB; wins over db_host"),
    CONFIG_STRING(struct db_settings, db_user, "parley", "user of MariaDB"),
    CONFIG_SECRET(struct db_settings, db_password, "", "password of db_user"),
    CONFIG_STRING(struct db_settings, db_name, "parley", "database (schema) of MariaDB"),
    CONFIG_U64(struct db_settings, db_connections, 4, 1, DB_MAX_CONNECTIONS, "",
               "connections to MariaDB, each with a thread"),
    CONFIG_END};

static pthread_once_t library_once = PTHREAD_ONCE_INIT;

/* The library's own start on first use is not safe when threads make connections at once. */
static void start_library(void) {
    if (mysql_library_init(0, NULL, NULL) != 0)
        log_error("database_library", "text=\"cannot start the client library\"");
}

struct db *db_new(const struct db_settings *settings) {
    pthread_once(&library_once, start_library);
    struct db *self = calloc(1, sizeof *self);
    if (self == NULL)
        return NULL;
    self->settings = settings;
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
    db_forget_prepared(*self);
    free(*self);
    *self = NULL;
}

void db_close(struct db *self) {
    /* Closing first detaches the statements, so that freeing them sends nothing. */
    mysql_close(self->mysql);
    db_forget_prepared(self);
    self->mysql = mysql_init(NULL);
    self->connected = false;
    self->lost = true;
    if (self->state == DB_TRANSACTION)
        self->state = DB_LOST_TRANSACTION;
}

static int set_options(MYSQL *mysql, bool use_socket) {
    const unsigned connect_timeout = CONNECT_TIMEOUT_S, answer_timeout = ANSWER_TIMEOUT_S;
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
                         " lock_wait_timeout = 15, idle_transaction_timeout = 10,"
                         " time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,"
                         "ERROR_FOR_DIVISION_BY_ZERO,NO_ZERO_DATE,NO_ZERO_IN_DATE,"
                         "NO_ENGINE_SUBSTITUTION'");
}

/* Between statements the server has nothing to say: an end of file, or a farewell, means that it
 * hung up. Under TLS there may be bytes that belong to TLS alone. */
static bool server_hung_up(struct db *self) {
    char byte;
    ssize_t n = recv(mysql_get_socket(self->mysql), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (n > 0)
        return mysql_get_ssl_cipher(self->mysql) == NULL;
    return n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

enum err db_connect(struct db *self) {
    assert(!self->script.running);
    self->uncertain = false;
    if (self->connected) {
        if (self->state != DB_IDLE || !server_hung_up(self))
            return ERR_OK;
        log_warn("database_lost", "text=\"the server hung up\"");
        db_close(self);
    }
    if (loop_now_ms() < self->retry_at_ms)
        return ERR_UNAVAILABLE;
    if (self->mysql == NULL)
        self->mysql = mysql_init(NULL);
    if (self->mysql == NULL)
        return db_fail_connect(self);

    const struct db_settings *s = self->settings;
    bool use_socket = s->db_socket[0] != '\0';
    if (set_options(self->mysql, use_socket) != 0 ||
        mysql_real_connect(self->mysql, use_socket ? NULL : s->db_host, s->db_user, s->db_password,
                           s->db_name, use_socket ? 0 : (unsigned)s->db_port,
                           use_socket ? s->db_socket : NULL, CLIENT_MULTI_STATEMENTS) == NULL) {
        enum err err = db_fail_connect(self);
        self->retry_at_ms = loop_now_ms() + RETRY_MS;
        return err;
    }
    self->connected = true;
    self->away = false;
    if (self->lost)
        log_info("database_connected", "");
    self->lost = false;
    return ERR_OK;
}

enum err db_ready(struct db *self) {
    assert(!self->script.running);
    self->uncertain = false;
    if (self->state == DB_LOST_TRANSACTION)
        return ERR_UNAVAILABLE;
    return self->connected ? ERR_OK : db_connect(self);
}

void db_note_state(struct db *self) {
    if (self->state != DB_LOST_TRANSACTION)
        self->state =
            self->mysql->server_status & SERVER_STATUS_IN_TRANS ? DB_TRANSACTION : DB_IDLE;
}

enum err db_run_text(struct db *self, const char *name, const char *sql, bool commits) {
    if (mysql_real_query(self->mysql, sql, strlen(sql)) != 0)
        return db_fail_last(self, name, commits);
    db_note_state(self);
    return ERR_OK;
}

enum err db_begin(struct db *self) {
    if (self->state == DB_TRANSACTION)
        log_error("database_transaction_left_open", "");
    db_rollback(self);
    enum err err = db_ready(self);
    return err != ERR_OK ? err : db_run_text(self, "begin", "START TRANSACTION", false);
}

enum err db_commit(struct db *self) {
    enum err err = db_ready(self);
    if (err == ERR_OK)
        err = db_run_text(self, "commit", "COMMIT", true);
    if (err != ERR_OK)
        db_rollback(self);
    return err;
}

void db_rollback(struct db *self) {
    if (self->script.running && db_script_end(self) != ERR_OK)
        log_debug("database_rollback", "text=\"the script had failed\"");
    if (self->state == DB_TRANSACTION && mysql_real_query(self->mysql, "ROLLBACK", 8) != 0) {
        log_warn("database_lost", "text=\"cannot roll back\"");
        db_close(self);
    }
    self->state = DB_IDLE;
}

bool db_in_transaction(const struct db *self) { return self->state == DB_TRANSACTION; }

uint64_t db_affected(const struct db *self) { return self->affected; }

uint64_t db_insert_id(const struct db *self) { return self->insert_id; }

const char *db_fault(const struct db *self) { return self->fault; }

bool db_fault_key(const struct db *self, const char *key) {
    return strcmp(self->fault_key, key) == 0;
}

bool db_uncertain(const struct db *self) { return self->uncertain; }
