/*
 * The parts that the tests of both dialects share: reading requests, and comparing answers with the
 * samples that the protocols' documents give.
 */
#ifndef PARLEY_TESTS_DIALECT_CHECK_H
#define PARLEY_TESTS_DIALECT_CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/gateway/dialect/dialect.h"
#include "tests/support/test_list.h"

struct fault_case {
    const char *json;
    const char *fault;
};

/* A row of fault_case: the faulty JSON, and the sentence. Quotes as ' to keep it readable. */
#define FAULT(json_, fault_)                                                                       \
    { json_, fault_ }

/*
 * A request, and all that is read from it: its number, operation and fields, in the order in which
 * words_of_request writes them. An id stands in ' when it is text, and bare when it is a number.
 */
struct read_case {
    const char *json;
    const char *read;
};

/* As many letters as the name has it. */
#define X16 "xxxxxxxxxxxxxxxx"
#define X64 X16 X16 X16 X16
#define X256 X64 X64 X64 X64

/* `text` with ' turned into "; the caller frees it. */
char *json_of(const char *text);

/* That a first object like `text` (with ' for ") tells this dialect. */
void check_detected(const char *text, enum dialect dialect);

/* Reads `text` (with ' for "); `fault` NULL: it must be good, else exactly that sentence. The
 * caller frees the request. */
void check_read(enum dialect dialect, bool ext, const char *text, const char *fault,
                struct dialect_request *request);

/* Extensions are the same in both dialects: for (EACH_DIALECT(dialect)) ... */
#define EACH_DIALECT(name_)                                                                        \
    enum dialect name_ = DIALECT_OURCHAT;                                                          \
    (name_) <= DIALECT_YOUIM;                                                                      \
    (name_)++

/* check_read of the request with that number and body (with ' for "), and the ref `r`. */
void read_as(enum dialect dialect, bool ext, unsigned number, const char *body, const char *fault,
             struct dialect_request *request);

/* That a client that opted in is refused so. */
void check_fault_of(enum dialect dialect, unsigned number, const char *body, const char *fault);

/* The same of many, in both dialects; the cases' JSON are bodies. */
void check_faults_of(unsigned number, const struct fault_case *cases, size_t count);

/* That the number is known only to clients that opted in. */
void check_needs_ext(unsigned number, const char *body);

void check_faults(enum dialect dialect, bool ext, const struct fault_case *cases, size_t count);

/* `ext`: the connection has opted in before. */
void check_reads(enum dialect dialect, bool ext, const struct read_case *cases, size_t count);

/* That a client that opted in is read so: `body` is that of the request with the number that
 * `read` begins with, and the ref `r`. */
void check_read_as(enum dialect dialect, const char *body, const char *read);

/* The same of many, in both dialects. */
void check_reads_of(const struct read_case *cases, size_t count);

void check_slice(struct slice found, const char *expected);

void check_id(struct dialect_id id, uint64_t number, const char *text);

/* That the bytes are `sample` (with ' for ") without its white space: same fields, same order. */
void check_json(const char *data, size_t length, const char *sample);

/* The answers to `request`: as many samples as there must be, then NULL. */
void check_answers(enum dialect dialect, bool ext, const struct dialect_account *self,
                   const struct dialect_request *request, const struct dialect_result *result,
                   const char *const samples[]);
#define ANSWERS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NO_ANSWER ((const char *const[]){NULL})

/* That success of `operation` has no answer but the 300 to a ref. */
void check_silent(enum dialect dialect, const struct dialect_account *self,
                  enum operation operation, const char *answer_to_ref);

/* The entry as `account` sees it; NULL: it sees nothing. */
void check_entry(enum dialect dialect, bool ext, uint64_t account, const struct entry *entry,
                 const char *sample);

/* The entry as `account` sees it with extensions; without them, it sees nothing. */
void check_shown(uint64_t account, const struct entry *entry, const char *ourchat,
                 const char *youim);

#endif
