/*
 * Faults of the database: which error each of the server's codes means, what is kept of the
 * server's message, and what happens to the connection and its transaction.
 */
#include <errmsg.h>
#include <mysqld_error.h>
#include <stdio.h>
#include <string.h>

#include "common/db_private.h"
#include "common/log.h"
#include "common/loop.h"

/* Between two lines of one connection about a server that is out of something. */
#define FAULT_LOG_PAUSE_MS 10000
/* Below this are faults of the server's files, memory and disk (my_sys' EE_...). */
#define FIRST_SERVER_CODE 1000
/* What MySQL has of its own and MariaDB does not name. */
#define ER_MYSQL_QUERY_TIMEOUT 3024

/*
 * LOST: the connection is of no use any more. ELSEWHERE: nor is this server, since another one is
 * the one to write to. BUSY: the same may succeed when tried again. SHORT: likewise, once the
 * server has what it is out of, which the operator should know. TAKEN: a unique key. BUG: all else.
 */
enum fault_class { FAULT_LOST, FAULT_ELSEWHERE, FAULT_BUSY, FAULT_SHORT, FAULT_TAKEN, FAULT_BUG };

static const struct {
    unsigned code;
    enum fault_class class;
} faults[] = {
    {CR_CONNECTION_ERROR, FAULT_LOST},
    {CR_CONN_HOST_ERROR, FAULT_LOST},
    {CR_SERVER_GONE_ERROR, FAULT_LOST},
    {CR_SERVER_HANDSHAKE_ERR, FAULT_LOST},
    {CR_SERVER_LOST, FAULT_LOST},
    {CR_SERVER_LOST_EXTENDED, FAULT_LOST},
    {CR_MALFORMED_PACKET, FAULT_LOST},
    {CR_OUT_OF_MEMORY, FAULT_LOST},
    {CR_ERR_NET_READ, FAULT_LOST},
    {CR_ERR_NET_WRITE, FAULT_LOST},
    {ER_SERVER_SHUTDOWN, FAULT_LOST},
    {ER_CONNECTION_KILLED, FAULT_LOST},
    {ER_NORMAL_SHUTDOWN, FAULT_LOST},
    {ER_GOT_SIGNAL, FAULT_LOST},
    {ER_SHUTDOWN_COMPLETE, FAULT_LOST},
    {ER_FORCING_CLOSE, FAULT_LOST},
    {ER_ABORTING_CONNECTION, FAULT_LOST},
    {ER_NEW_ABORTING_CONNECTION, FAULT_LOST},
    {ER_ERROR_DURING_COMMIT, FAULT_LOST},  /* whether it was committed is not known */
    {ER_UNKNOWN_STMT_HANDLER, FAULT_LOST}, /* another session, put there by a proxy */
    {ER_NET_PACKETS_OUT_OF_ORDER, FAULT_LOST},
    {ER_NET_READ_ERROR, FAULT_LOST},
    {ER_NET_READ_INTERRUPTED, FAULT_LOST},
    {ER_NET_ERROR_ON_WRITE, FAULT_LOST},
    {ER_NET_WRITE_INTERRUPTED, FAULT_LOST},
    {ER_OPTION_PREVENTS_STATEMENT, FAULT_ELSEWHERE}, /* --read-only, while servers change roles */
    {ER_READ_ONLY_MODE, FAULT_ELSEWHERE},
    {ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION, FAULT_ELSEWHERE},
    {ER_READ_ONLY_TRANSACTION, FAULT_ELSEWHERE},
    {ER_INNODB_READ_ONLY, FAULT_ELSEWHERE},
    {ER_OPEN_AS_READONLY, FAULT_ELSEWHERE},
    {ER_UNKNOWN_COM_ERROR, FAULT_ELSEWHERE}, /* a node that is not part of its cluster */
    {ER_LOCK_DEADLOCK, FAULT_BUSY},
    {ER_XA_RBDEADLOCK, FAULT_BUSY},
    {ER_LOCK_WAIT_TIMEOUT, FAULT_BUSY},
    {ER_LOCK_ABORTED, FAULT_BUSY},
    {ER_CANT_UPDATE_WITH_READLOCK, FAULT_BUSY},
    {ER_CHECKREAD, FAULT_BUSY},
    {ER_QUERY_INTERRUPTED, FAULT_BUSY},
    {ER_FILSORT_ABORT, FAULT_BUSY},
    {ER_STATEMENT_TIMEOUT, FAULT_BUSY},
    {ER_MYSQL_QUERY_TIMEOUT, FAULT_BUSY},
    {ER_NEED_REPREPARE, FAULT_BUSY},
    {ER_TABLE_DEF_CHANGED, FAULT_BUSY},
    {ER_CON_COUNT_ERROR, FAULT_SHORT},
    {ER_TOO_MANY_USER_CONNECTIONS, FAULT_SHORT},
    {ER_USER_LIMIT_REACHED, FAULT_SHORT},
    {ER_TOO_MANY_CONCURRENT_TRXS, FAULT_SHORT},
    {ER_MAX_PREPARED_STMT_COUNT_REACHED, FAULT_SHORT},
    {ER_LOCK_TABLE_FULL, FAULT_SHORT},
    {ER_OUT_OF_RESOURCES, FAULT_SHORT},
    {ER_OUTOFMEMORY, FAULT_SHORT},
    {ER_OUT_OF_SORTMEMORY, FAULT_SHORT},
    {ER_CANT_CREATE_THREAD, FAULT_SHORT},
    {ER_CANT_CREATE_FILE, FAULT_SHORT},
    {ER_CANT_OPEN_FILE, FAULT_SHORT},
    {ER_DISK_FULL, FAULT_SHORT},
    {ER_RECORD_FILE_FULL, FAULT_SHORT},
    {ER_ERROR_ON_READ, FAULT_SHORT},
    {ER_ERROR_ON_WRITE, FAULT_SHORT},
    {ER_ERROR_ON_CLOSE, FAULT_SHORT},
    {ER_GET_ERRNO, FAULT_SHORT}, /* "No space left on device", from the engine */
    {ER_DUP_ENTRY, FAULT_TAKEN},
    {ER_DUP_ENTRY_WITH_KEY_NAME, FAULT_TAKEN},
};

static enum fault_class classify(unsigned code) {
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        if (faults[i].code == code)
            return faults[i].class;
    return code > 0 && code < FIRST_SERVER_CODE ? FAULT_SHORT : FAULT_BUG;
}

/* Keeps the message in one line, cut where it begins to quote values: "Incorrect string value:
 * '...'", and the piece of a script that a syntax error shows. */
static void keep_fault(struct db *self, const char *text, bool cut_near) {
    static const char *const value_marks[] = {": '", " near '"};
    snprintf(self->fault, sizeof self->fault, "%s", text);
    for (size_t i = 0; i < (cut_near ? 2 : 1); i++) {
        char *mark = strstr(self->fault, value_marks[i]);
        if (mark != NULL)
            *mark = '\0';
    }
    for (char *c = self->fault; *c != '\0'; c++)
        if ((unsigned char)*c < ' ')
            *c = ' ';
}

/* "Duplicate entry 'x' for key 'name'": the entry may hold quotes, the key's name comes last. */
static void keep_key(struct db *self, const char *text) {
    self->fault_key[0] = '\0';
    const char *end = strrchr(text, '\'');
    const char *start = end == NULL ? NULL : memrchr(text, '\'', (size_t)(end - text));
    if (start != NULL)
        snprintf(self->fault_key, sizeof self->fault_key, "%.*s", (int)(end - start - 1),
                 start + 1);
    snprintf(self->fault, sizeof self->fault, "duplicate entry for key '%s'", self->fault_key);
}

static void log_fault(const struct db *self, enum log_level level, const char *event,
                      const char *name, unsigned code) {
    char quoted[LOG_QUOTED_BYTES];
    log_write(level, event, "statement=%s code=%u text=%s", name, code,
              log_quote(quoted, self->fault, strlen(self->fault)));
}

/* One line for each time that something is short, also where it goes and comes back; the rest is
 * for who looks closely. */
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
    db_rollback(self);
    self->state = DB_LOST_TRANSACTION;
}

enum err db_fail(struct db *self, const char *name, unsigned code, const char *text, bool commits) {
    enum fault_class class = classify(code);
    /* Nothing follows the statement of a script that failed. */
    bool in_script = self->script.running;
    self->script.running = false;
    if (class == FAULT_TAKEN) {
        keep_key(self, text);
        return ERR_TAKEN;
    }
    keep_fault(self, text, in_script);
    switch (class) {
    case FAULT_LOST:
        self->uncertain = commits;
        log_fault(self, LOG_LEVEL_WARN, "database_lost", name, code);
        db_close(self);
        return ERR_UNAVAILABLE;
    case FAULT_ELSEWHERE:
        log_fault(self, LOG_LEVEL_DEBUG, "database_elsewhere", name, code);
        db_watch_away(self->watch, self->fault);
        /* The next attempt may come at once, unless this server was dialled just now. */
        self->retry_at_ms = self->connected_ms + DB_RETRY_MS;
        db_close(self);
        return ERR_UNAVAILABLE;
    case FAULT_SHORT:
        log_short(self, name, code);
        end_transaction(self);
        return ERR_UNAVAILABLE;
    case FAULT_BUSY:
        log_fault(self, LOG_LEVEL_DEBUG, "database_busy", name, code);
        end_transaction(self);
        return ERR_UNAVAILABLE;
    default:
        log_fault(self, LOG_LEVEL_ERROR, "database_error", name, code);
        /* A fault that the client library found itself leaves the protocol in an unknown state. */
        if (code >= CR_MIN_ERROR && code <= CR_MYSQL_LAST_ERROR)
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

enum err db_fail_late(struct db *self, const char *name) {
    snprintf(self->fault, sizeof self->fault, "its time was over");
    log_fault(self, LOG_LEVEL_DEBUG, "database_late", name, 0);
    end_transaction(self);
    return ERR_UNAVAILABLE;
}

/* What is wrong with the settings is said with their names: someone has to change them. */
static void keep_connect_fault(struct db *self, unsigned code, const char *text) {
    const struct db_settings *s = self->settings;
    char where[160];
    if (s->db_socket[0] != '\0')
        snprintf(where, sizeof where, "MariaDB at %s", s->db_socket);
    else
        snprintf(where, sizeof where, "MariaDB at %s:%u", s->db_host, (unsigned)s->db_port);
    switch (code) {
    case ER_ACCESS_DENIED_ERROR:
    case ER_ACCESS_DENIED_NO_PASSWORD_ERROR:
        snprintf(self->fault, sizeof self->fault,
                 s->db_password[0] == '\0'
                     ? "the user '%s' (db_user) needs a password (db_password), says %s"
                     : "the password (db_password) of the user '%s' (db_user) is wrong, says %s",
                 s->db_user, where);
        return;
    case ER_DBACCESS_DENIED_ERROR:
        snprintf(self->fault, sizeof self->fault,
                 "the user '%s' (db_user) may not use the database '%s' (db_name), says %s",
                 s->db_user, s->db_name, where);
        return;
    case ER_BAD_DB_ERROR:
        snprintf(self->fault, sizeof self->fault, "there is no database '%s' (db_name), says %s",
                 s->db_name, where);
        return;
    default:
        keep_fault(self, text, false);
    }
}

enum err db_fail_connect(struct db *self) {
    unsigned code = self->mysql == NULL ? CR_OUT_OF_MEMORY : mysql_errno(self->mysql);
    keep_connect_fault(self, code,
                       self->mysql == NULL ? "out of memory" : mysql_error(self->mysql));
    log_fault(self, LOG_LEVEL_DEBUG, "database_unreachable", "connect", code);
    db_close(self);
    return ERR_UNAVAILABLE;
}
