/*
 * Fuzz target of the file of options: it is refused in one line of standard error, or all values
 * are within their ranges, and a file made of them gives the same ones.
 */
#include <inttypes.h>
#include <stdbool.h>

#include "common/config.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/memory_file.h"

struct settings {
    char *db_host, *db_password;
    uint64_t db_port, registration, db_pool_size;
    bool curve;
};

static const struct config_option options[] = {
    CONFIG_STRING(struct settings, db_host, "127.0.0.1", "a text"),
    CONFIG_SECRET(struct settings, db_password, "", "a secret"),
    CONFIG_U64(struct settings, db_port, 3306, 1, 65535, "port", "a number"),
    CONFIG_U64(struct settings, db_pool_size, 4, 0, UINT64_MAX, "", "any number"),
    CONFIG_CHOICE(struct settings, registration, 0, "open|closed|token", "a choice"),
    CONFIG_BOOL(struct settings, curve, true, "a bool"),
    CONFIG_END};
static const struct config_program program = {"fuzz", "is fuzzed", "", options};

/* What was printed is one line of the program's, without control characters. */
static void require_line(const char *text, size_t length) {
    static const char start[] = "fuzz: ";
    require(length > sizeof start && memcmp(text, start, sizeof start - 1) == 0);
    require(text[length - 1] == '\n');
    for (size_t i = 0; i + 1 < length; i++)
        require((unsigned char)text[i] >= ' ' && text[i] != 0x7f);
}

static bool load(const void *bytes, size_t size, struct settings *settings_r) {
    char name[MEMORY_FILE_NAME_BYTES], *text = NULL;
    size_t length = 0;
    int first_rest = 0;
    memory_file(bytes, size, name);
    char *arguments[] = {"fuzz", "--config", name, NULL};
    FILE *before = stderr;
    stderr = open_memstream(&text, &length);
    require(stderr != NULL);
    enum config_status status = config_load(&program, settings_r, 3, arguments, &first_rest);
    fclose(stderr);
    stderr = before;
    if (status == CONFIG_OK)
        require(length == 0 && first_rest == 3);
    else
        require_line(text, length);
    free(text);
    return status == CONFIG_OK;
}

static struct buffer written(const struct settings *settings) {
    static const char *const words[] = {"open", "closed", "token"};
    struct buffer text = buffer_make((size_t)1 << 20);
    buffer_printf(&text, "db-host = %s\ndb_password=%s\n", settings->db_host,
                  settings->db_password);
    buffer_printf(&text, "db_port = %" PRIu64 "\ndb_pool_size = %" PRIu64 "\n", settings->db_port,
                  settings->db_pool_size);
    buffer_printf(&text, "registration = %s\ncurve = %s\n", words[settings->registration],
                  settings->curve ? "yes" : "no");
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct settings first, second;
    if (!load(data, size, &first))
        return 0;
    require(first.db_host != NULL && first.db_password != NULL);
    require(first.db_port >= 1 && first.db_port <= 65535 && first.registration <= 2);
    struct buffer text = written(&first);
    if (text.length <= (size_t)64 << 10) { /* the most that a file may have */
        require(load(text.data, text.length, &second));
        require(strcmp(first.db_host, second.db_host) == 0);
        require(strcmp(first.db_password, second.db_password) == 0);
        require(first.db_port == second.db_port && first.db_pool_size == second.db_pool_size);
        require(first.registration == second.registration && first.curve == second.curve);
        config_free(&program, &second);
    }
    buffer_free(&text);
    config_free(&program, &first);
    return 0;
}
