/* parleyctl files ...: the room that files take, and whether rows and bytes agree. */
#include <inttypes.h>
#include <stdio.h>

#include "proto/messages.h"
#include "services/ctl/ctl_read.h"
#include "services/ctl/instances.h"

/*
 * limit: tool | rows without bytes that `files repair` removes | half of all rows, once there are
 * {FILES_FEW} of them; `--all`: any number | nothing is changed, exit status 1
 */
/* More rows than this without bytes, and more than half of all: it is the wrong folder, rather than
 * a damaged one. */
#define FILES_FEW 10

static const struct db_statement usage = {
    "file_usage",
    "SELECT f.account, a.id, COUNT(f.finished_ms), COALESCE(SUM(IF(f.finished_ms IS NULL, 0,"
    " f.size)), 0), COUNT(*) - COUNT(f.finished_ms),"
    " (SELECT COUNT(*) FROM sticker s WHERE s.account = f.account)"
    " FROM file f LEFT JOIN account a ON a.number = f.account WHERE f.account > ?"
    " GROUP BY f.account ORDER BY f.account LIMIT ?"};

static int run_usage(const struct ctl_settings *settings, int argc, char **argv) {
    (void)argc;
    (void)argv;
    static const char *const columns[] = {"account", "id",       "files", "bytes",
                                          "uploads", "stickers", NULL};
    return ctl_read(settings, &usage, DB_ARGS(db_u64(settings->after), db_u64(settings->limit)),
                    columns, "ntnnnn", NULL);
}

/* --- rows and bytes -------------------------------------------------------------------------- */

struct compared {
    uint64_t files, rows, bytes;
};

static void print_faults(const struct files_check_reply *reply, bool repairs) {
    const char *gone = repairs ? ", removed" : "";
    for (size_t i = 0; i < reply->rows.count; i++)
        printf("%016" PRIx64 "  its bytes are missing%s\n", reply->rows.items[i], gone);
    for (size_t i = 0; i < reply->bytes.count; i++)
        printf("%016" PRIx64 "  bytes of no file%s\n", reply->bytes.items[i], gone);
}

static int compare(const struct ctl_settings *settings, bool repair, bool prints,
                   struct compared *compared_r) {
    struct files_check ask = {.repair = repair};
    *compared_r = (struct compared){0};
    do {
        struct files_check_reply reply = {0};
        struct record_arena arena = {0};
        int status =
            instances_ask(settings, INSTANCE_FILES, &message_FILES_CHECK, &ask, &arena, &reply);
        if (status == CTL_DONE) {
            compared_r->files += reply.count;
            compared_r->rows += reply.rows.count;
            compared_r->bytes += reply.bytes.count;
            if (prints)
                print_faults(&reply, repair);
        }
        /* Else it would go round for ever. */
        if (status == CTL_DONE && reply.after != 0 && reply.after <= ask.after)
            status = ctl_fail("files gave an answer that makes no sense: it goes on where it was");
        ask.after = reply.after;
        record_arena_free(&arena);
        if (status != CTL_DONE)
            return status;
    } while (ask.after != 0);
    return CTL_DONE;
}

static int run_check(const struct ctl_settings *settings, int argc, char **argv) {
    (void)argc;
    (void)argv;
    struct compared found;
    int status = compare(settings, false, true, &found);
    if (status != CTL_DONE)
        return status;
    if (found.rows + found.bytes > 0)
        return ctl_fail("of %" PRIu64 " files %" PRIu64 " lack their bytes; %" PRIu64
                        " have bytes and no row (files repair removes both)",
                        found.files, found.rows, found.bytes);
    printf("%" PRIu64 " files, all with their bytes\n", found.files);
    return CTL_DONE;
}

/* Where most bytes are missing, another folder is mounted in place of the right one. */
static int run_repair(const struct ctl_settings *settings, int argc, char **argv) {
    (void)argc;
    (void)argv;
    struct compared found;
    int status = compare(settings, false, false, &found);
    if (status == CTL_DONE && !settings->all && found.rows > FILES_FEW &&
        found.rows > found.files / 2)
        return ctl_fail("of %" PRIu64 " files %" PRIu64 " lack their bytes: is files_folder the "
                        "right one? --all removes them all the same",
                        found.files, found.rows);
    if (status == CTL_DONE)
        status = compare(settings, true, true, &found);
    if (status == CTL_DONE)
        printf("%" PRIu64 " files without bytes and %" PRIu64 " bytes without a file are removed\n",
               found.rows, found.bytes);
    return status;
}

static const struct config_option repair_options[] = {
    CONFIG_BOOL(struct ctl_settings, all, false, "even if most files lack their bytes"),
    CONFIG_INCLUDE(struct ctl_settings, peers, ctl_peer_options), CONFIG_END};

const struct ctl_command ctl_files_commands[] = {
    {"files usage", "", "List accounts with the room that their files take.", ctl_list_options, 0,
     0, run_usage, CTL_READS},
    {"files check", "", "Compare the rows of files with the bytes in the store.",
     ctl_only_peer_options, 0, 0, run_check, CTL_READS},
    {"files repair", "", "Remove rows without bytes, and bytes without rows.", repair_options, 0, 0,
     run_repair, CTL_CHANGES},
    {0}};
