/*
 * A played files service with one file, and clients that speak HTTP with the gateway of a stage.
 *
 *     struct shelf shelf = shelf_open(stage, 100000);         FILES is played, the key is given out
 *     struct web *web = web_open(stage);
 *     web_write(web, text);
 *     char *head = web_head(&shelf, web);                     answers files' requests meanwhile
 *     web_close(&web);
 *     shelf_close(&shelf);
 */
#ifndef PARLEY_TESTS_SHELF_H
#define PARLEY_TESTS_SHELF_H

#include "common/buffer.h"
#include "tests/support/gateway_fixture.h"

#define SHELF_FILE UINT64_C(0x0123456789abcdef)
#define SHELF_TOKEN "the-token_1"
#define SHELF_UPLOAD "/upload/0123456789abcdef-" SHELF_TOKEN

struct shelf {
    struct stage *stage;
    struct buffer bytes; /* that are there */
    uint64_t size, preview;
    const char *name, *mime;
    bool finished;
    bool deaf; /* appends and reads are left to the test */
    enum err append_err, finish_err, find_err, read_err; /* for the next of each; then ERR_OK */
    unsigned appends, reads, finishes, abandons;
    size_t largest; /* piece that was appended or read */
};

struct web {
    struct stage *stage;
    int fd;
    struct buffer in;
    bool ended;
};

struct shelf shelf_open(struct stage *stage, uint64_t size);
void shelf_close(struct shelf *self);
/* The whole file is there, and finished; its bytes are shelf_byte of where they stand. */
void shelf_fill(struct shelf *self);
char shelf_byte(uint64_t at);
/* Answers what files was asked. */
void shelf_turn(struct shelf *self);
/* A signed address of it, good for the time that the gateway gives; static. */
const char *shelf_address(bool preview, uint64_t now_ms);

#define SHELF_UNTIL(shelf_, condition_)                                                            \
    STAGE_UNTIL((shelf_)->stage, (shelf_turn(shelf_), condition_))

struct web *web_open(struct stage *stage);
void web_close(struct web **self);
/* Writes all of it, answering files meanwhile; stops where the server closes. */
void web_write(struct shelf *shelf, struct web *self, const char *bytes, size_t length);
void web_say(struct shelf *shelf, struct web *self, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* How much the kernel takes at once; 0: nothing just now. */
size_t web_write_some(struct web *self, const char *bytes, size_t length);
void web_read(struct web *self);
/* The next head; the caller frees it. */
char *web_head(struct shelf *shelf, struct web *self);
/* So many bytes behind it; the caller frees them. Fewer, with a 0 behind them, where it ended. */
char *web_body(struct shelf *shelf, struct web *self, size_t length);

/* So many of the file's bytes, on the heap; written to a client's socket; those that files has got.
 */
char *shelf_content(uint64_t from, uint64_t length);
void web_write_content(struct shelf *shelf, struct web *web, uint64_t from, uint64_t length);
void shelf_assert_there(const struct shelf *shelf, uint64_t length);
/* The next head has this status, such as "201 ". */
void web_assert_head(struct shelf *shelf, struct web *web, const char *status);
/* And its body is taken, too. */
void web_assert_whole(struct shelf *shelf, struct web *web, const char *status);
/* And this line. */
void web_assert_answer(struct shelf *shelf, struct web *web, const char *status, const char *line);

#endif
