/*
 * Faults of the database, as its server and the client library report them: which kind each code
 * is, and its text for people. Inside db alone; knows nothing of the connection.
 */
#ifndef PARLEY_COMMON_DB_FAULT_H
#define PARLEY_COMMON_DB_FAULT_H

#include <stdbool.h>

#include "common/db.h"

/* MariaDB's messages have at most 512 bytes. */
#define DB_FAULT_BYTES 513
/* MariaDB's identifiers have at most 64 characters of up to 4 bytes. */
#define DB_KEY_BYTES 257

/*
 * LOST: the connection is of no use any more. ELSEWHERE: nor is this server, since another one is
 * the one to write to. BUSY: the same may succeed when it is tried again. SHORT: as BUSY, once the
 * server has again the resource that it is out of, which the operator should know. TAKEN: a unique
 * key. BUG: all else.
 */
enum db_fault_class {
    DB_FAULT_LOST,
    DB_FAULT_ELSEWHERE,
    DB_FAULT_BUSY,
    DB_FAULT_SHORT,
    DB_FAULT_TAKEN,
    DB_FAULT_BUG
};

enum db_fault_class db_fault_classify(unsigned code);
/* Whether the client library found it, which leaves the protocol in an unknown state. */
bool db_fault_is_of_client(unsigned code);

/* The message in one line, cut where it begins to quote values: "Incorrect string value: '...'",
 * and, with `cut_near`, the piece of a script that a syntax error shows. */
void db_fault_shorten(const char *text, bool cut_near, char out[DB_FAULT_BYTES]);
/* The name of the violated key in a message that an entry is taken; empty without one. */
void db_fault_find_key(const char *text, char key_r[DB_KEY_BYTES]);
/* Why no connection can be made. A wrong setting is called by its name, since someone has to
 * change it. */
void db_fault_describe_connect(const struct db_settings *settings, unsigned code, const char *text,
                               char out[DB_FAULT_BYTES]);

#endif
