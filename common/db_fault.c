/* Faults of the database; see db_fault.h. */
#include "common/db_fault.h"

#include <errmsg.h>
#include <errno.h>
#include <mysqld_error.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Below this are faults of the server's files, memory and disk (my_sys' EE_...). */
#define FIRST_SERVER_CODE 1000
/* Errors of MySQL that MariaDB does not name. */
#define ER_MYSQL_QUERY_TIMEOUT 3024

static const struct {
    unsigned code;
    enum db_fault_class class;
} faults[] = {
    {CR_CONNECTION_ERROR, DB_FAULT_LOST},
    {CR_CONN_HOST_ERROR, DB_FAULT_LOST},
    {CR_SERVER_GONE_ERROR, DB_FAULT_LOST},
    {CR_SERVER_HANDSHAKE_ERR, DB_FAULT_LOST},
    {CR_SERVER_LOST, DB_FAULT_LOST},
    {CR_SERVER_LOST_EXTENDED, DB_FAULT_LOST},
    {CR_MALFORMED_PACKET, DB_FAULT_LOST},
    {CR_OUT_OF_MEMORY, DB_FAULT_LOST},
    {CR_ERR_NET_READ, DB_FAULT_LOST},
    {CR_ERR_NET_WRITE, DB_FAULT_LOST},
    {ER_SERVER_SHUTDOWN, DB_FAULT_LOST},
    {ER_CONNECTION_KILLED, DB_FAULT_LOST},
    {ER_NORMAL_SHUTDOWN, DB_FAULT_LOST},
    {ER_GOT_SIGNAL, DB_FAULT_LOST},
    {ER_SHUTDOWN_COMPLETE, DB_FAULT_LOST},
    {ER_FORCING_CLOSE, DB_FAULT_LOST},
    {ER_ABORTING_CONNECTION, DB_FAULT_LOST},
    {ER_NEW_ABORTING_CONNECTION, DB_FAULT_LOST},
    {ER_ERROR_DURING_COMMIT, DB_FAULT_LOST},  /* whether it was committed is not known */
    {ER_UNKNOWN_STMT_HANDLER, DB_FAULT_LOST}, /* another session, put there by a proxy */
    {ER_NET_PACKETS_OUT_OF_ORDER, DB_FAULT_LOST},
    {ER_NET_READ_ERROR, DB_FAULT_LOST},
    {ER_NET_READ_INTERRUPTED, DB_FAULT_LOST},
    {ER_NET_ERROR_ON_WRITE, DB_FAULT_LOST},
    {ER_NET_WRITE_INTERRUPTED, DB_FAULT_LOST},
    {ER_OPTION_PREVENTS_STATEMENT,
     DB_FAULT_ELSEWHERE}, /* --read-only, while servers change roles */
    {ER_READ_ONLY_MODE, DB_FAULT_ELSEWHERE},
    {ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION, DB_FAULT_ELSEWHERE},
    {ER_READ_ONLY_TRANSACTION, DB_FAULT_ELSEWHERE},
    {ER_INNODB_READ_ONLY, DB_FAULT_ELSEWHERE},
    {ER_OPEN_AS_READONLY, DB_FAULT_ELSEWHERE},
    {ER_UNKNOWN_COM_ERROR, DB_FAULT_ELSEWHERE}, /* a node that is not part of its cluster */
    {ER_LOCK_DEADLOCK, DB_FAULT_BUSY},
    {ER_XA_RBDEADLOCK, DB_FAULT_BUSY},
    {ER_LOCK_WAIT_TIMEOUT, DB_FAULT_BUSY},
    {ER_LOCK_ABORTED, DB_FAULT_BUSY},
    {ER_CANT_UPDATE_WITH_READLOCK, DB_FAULT_BUSY},
    {ER_CHECKREAD, DB_FAULT_BUSY},
    {ER_QUERY_INTERRUPTED, DB_FAULT_BUSY},
    {ER_FILSORT_ABORT, DB_FAULT_BUSY},
    {ER_STATEMENT_TIMEOUT, DB_FAULT_BUSY},
    {ER_MYSQL_QUERY_TIMEOUT, DB_FAULT_BUSY},
    {ER_NEED_REPREPARE, DB_FAULT_BUSY},
    {ER_TABLE_DEF_CHANGED, DB_FAULT_BUSY},
    {ER_CON_COUNT_ERROR, DB_FAULT_SHORT},
    {ER_TOO_MANY_USER_CONNECTIONS, DB_FAULT_SHORT},
    {ER_USER_LIMIT_REACHED, DB_FAULT_SHORT},
    {ER_TOO_MANY_CONCURRENT_TRXS, DB_FAULT_SHORT},
    {ER_MAX_PREPARED_STMT_COUNT_REACHED, DB_FAULT_SHORT},
    {ER_LOCK_TABLE_FULL, DB_FAULT_SHORT},
    {ER_OUT_OF_RESOURCES, DB_FAULT_SHORT},
    {ER_OUTOFMEMORY, DB_FAULT_SHORT},
    {ER_OUT_OF_SORTMEMORY, DB_FAULT_SHORT},
    {ER_CANT_CREATE_THREAD, DB_FAULT_SHORT},
    {ER_CANT_CREATE_FILE, DB_FAULT_SHORT},
    {ER_CANT_OPEN_FILE, DB_FAULT_SHORT},
    {ER_DISK_FULL, DB_FAULT_SHORT},
    {ER_RECORD_FILE_FULL, DB_FAULT_SHORT},
    {ER_ERROR_ON_READ, DB_FAULT_SHORT},
    {ER_ERROR_ON_WRITE, DB_FAULT_SHORT},
    {ER_ERROR_ON_CLOSE, DB_FAULT_SHORT},
    {ER_GET_ERRNO, DB_FAULT_SHORT}, /* "No space left on device", from the engine */
    {ER_DUP_ENTRY, DB_FAULT_TAKEN},
    {ER_DUP_ENTRY_WITH_KEY_NAME, DB_FAULT_TAKEN},
};

enum db_fault_class db_fault_classify(unsigned code) {
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        if (faults[i].code == code)
            return faults[i].class;
    return code > 0 && code < FIRST_SERVER_CODE ? DB_FAULT_SHORT : DB_FAULT_BUG;
}

bool db_fault_is_of_client(unsigned code) {
    return code >= CR_MIN_ERROR && code <= CR_MYSQL_LAST_ERROR;
}

void db_fault_shorten(const char *text, bool cut_near, char out[DB_FAULT_BYTES]) {
    static const char *const value_marks[] = {": '", " near '"};
    snprintf(out, DB_FAULT_BYTES, "%s", text);
    for (size_t i = 0; i < (cut_near ? 2 : 1); i++) {
        char *mark = strstr(out, value_marks[i]);
        if (mark != NULL)
            *mark = '\0';
    }
    for (char *c = out; *c != '\0'; c++)
        if ((unsigned char)*c < ' ')
            *c = ' ';
}

/* "Duplicate entry 'x' for key 'name'": the entry may hold quotes, the key's name is the last
 * part. */
void db_fault_find_key(const char *text, char key_r[DB_KEY_BYTES]) {
    key_r[0] = '\0';
    const char *end = strrchr(text, '\'');
    const char *start = end == NULL ? NULL : memrchr(text, '\'', (size_t)(end - text));
    if (start != NULL)
        snprintf(key_r, DB_KEY_BYTES, "%.*s", (int)(end - start - 1), start + 1);
}

static void describe_tls(const struct db_settings *s, const char *where, const char *text,
                         char out[DB_FAULT_BYTES]) {
    char shown[DB_FAULT_BYTES];
    db_fault_shorten(text, false, shown);
    if (access(s->db_tls_ca, R_OK) != 0)
        snprintf(out, DB_FAULT_BYTES, "cannot read %.300s (db_tls_ca): %s", s->db_tls_ca,
                 strerror(errno));
    else
        snprintf(out, DB_FAULT_BYTES, "no encrypted connection (db_tls_ca) to %s: %.280s", where,
                 shown);
}

void db_fault_describe_connect(const struct db_settings *s, unsigned code, const char *text,
                               char out[DB_FAULT_BYTES]) {
    char where[160];
    if (s->db_socket[0] != '\0')
        snprintf(where, sizeof where, "MariaDB at %s", s->db_socket);
    else
        snprintf(where, sizeof where, "MariaDB at %s:%u", s->db_host, (unsigned)s->db_port);
    /* A server that demands TLS refuses passwords without it, and does not say why. */
    bool lacks_tls = s->db_socket[0] == '\0' && s->db_tls_ca[0] == '\0';
    switch (code) {
    case ER_ACCESS_DENIED_ERROR:
    case ER_ACCESS_DENIED_NO_PASSWORD_ERROR:
        snprintf(out, DB_FAULT_BYTES,
                 s->db_password[0] == '\0'
                     ? "the user '%s' (db_user) needs a password (db_password), says %s%s"
                     : "the password (db_password) of the user '%s' (db_user) is wrong, says %s%s",
                 s->db_user, where, lacks_tls ? ", which may demand TLS (db_tls_ca)" : "");
        return;
    case ER_DBACCESS_DENIED_ERROR:
        snprintf(out, DB_FAULT_BYTES,
                 "the user '%s' (db_user) may not use the database '%s' (db_name), says %s",
                 s->db_user, s->db_name, where);
        return;
    case CR_SSL_CONNECTION_ERROR:
        describe_tls(s, where, text, out);
        return;
    case ER_BAD_DB_ERROR:
        snprintf(out, DB_FAULT_BYTES, "there is no database '%s' (db_name), says %s", s->db_name,
                 where);
        return;
    default:
        db_fault_shorten(text, false, out);
    }
}
