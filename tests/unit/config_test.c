/*
 * Settings: where values come from, which are refused and with which words, and the output of
 * `--help`.
 */
#include "common/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/capture.h"
#include "tests/support/test_list.h"

struct inner {
    uint64_t retry_ms;
    char *retry_name;
};
struct database {
    char *db_host, *db_password;
    uint64_t db_port;
    struct inner inner;
};
struct settings {
    bool open_login;
    struct database database;
    uint64_t workers;
    char *welcome;
    uint64_t door;
};

static const struct config_option inner_options[] = {
    CONFIG_U64(struct inner, retry_ms, 100, 0, UINT64_MAX, "ms", "pause before a retry"),
    CONFIG_STRING(struct inner, retry_name, "", "name | of the retry"), CONFIG_END};
static const struct config_option database_options[] = {
    CONFIG_STRING(struct database, db_host, "127.0.0.1", "host of MariaDB"),
    CONFIG_SECRET(struct database, db_password, "sesame", "password at MariaDB"),
    CONFIG_U64(struct database, db_port, 3306, 1, 65535, "port", "port of MariaDB"),
    CONFIG_INCLUDE(struct database, inner, inner_options), CONFIG_END};
static const struct config_option options[] = {
    CONFIG_BOOL(struct settings, open_login, true, "log in without a password"),
    CONFIG_INCLUDE(struct settings, database, database_options),
    CONFIG_U64(struct settings, workers, 4, 1, 64, "", "threads"),
    CONFIG_STRING(struct settings, welcome, "hello", "greeting"),
    CONFIG_CHOICE(struct settings, door, 1, "open|ajar|closed", "how the door is"),
    CONFIG_END};
static const struct config_program program = {"parley-auth", "Keeps accounts.", "", options};

#define FILE_NAME "/tmp/parley-config-test.XXXXXX"

/* One run of config_load with all it can see. */
struct run {
    enum config_status status;
    struct settings settings;
    char *argv[32];
    int argc, first_rest;
    char *out, *err;
};

static void load(struct run *run, int argc, const char *const *arguments) {
    struct capture out, err;
    memset(run, 0, sizeof *run);
    memset(&run->settings, 0xa5, sizeof run->settings); /* config_load takes it unset */
    run->argv[0] = (char *)"parley-auth";
    for (int i = 0; i < argc; i++)
        run->argv[i + 1] = (char *)arguments[i];
    run->argc = argc + 1;
    run->first_rest = -1;
    capture_begin(&out, STDOUT_FILENO);
    capture_begin(&err, STDERR_FILENO);
    run->status = config_load(&program, &run->settings, run->argc, run->argv, &run->first_rest);
    run->err = capture_end(&err);
    run->out = capture_end(&out);
}
#define LOAD(run_, ...)                                                                            \
    load(run_, (int)(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)),                 \
         (const char *const[]){__VA_ARGS__})

static void done(struct run *run) {
    if (run->status == CONFIG_OK)
        config_free(&program, &run->settings);
    free(run->out);
    free(run->err);
}

/* Refused with exactly this line. */
static void assert_refused(struct run *run, const char *line) {
    assert_string_equal(run->err, line);
    assert_int_equal(run->status, CONFIG_USAGE);
    assert_string_equal(run->out, "");
    done(run);
}

static void assert_loaded(struct run *run) {
    assert_string_equal(run->err, "");
    assert_int_equal(run->status, CONFIG_OK);
    assert_string_equal(run->out, "");
}

/* Writes the settings file that PARLEY_CONFIG then names. */
static void write_file(char path[sizeof FILE_NAME], const char *bytes, size_t length) {
    memcpy(path, FILE_NAME, sizeof FILE_NAME);
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, bytes, length), length);
    close(descriptor);
    setenv("PARLEY_CONFIG", path, 1);
}

static int clear_environment(void **state) {
    (void)state;
    static const char *const names[] = {"CONFIG",  "OPEN_LOGIN", "DB_HOST",    "DB_PASSWORD",
                                        "DB_PORT", "RETRY_MS",   "RETRY_NAME", "WORKERS",
                                        "WELCOME", "DOOR",       "PORT_BASE",  "VAR"};
    char name[64];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(name, sizeof name, "PARLEY_%s", names[i]);
        unsetenv(name);
    }
    return 0;
}

#define CONFIG_TEST(name_) TEST_WITH(name_, NO_FIXTURE, clear_environment, NULL)

CONFIG_TEST(defaults) {
    struct run run;
    load(&run, 0, NULL);
    assert_loaded(&run);
    assert_true(run.settings.open_login);
    assert_int_equal(run.settings.workers, 4);
    assert_string_equal(run.settings.welcome, "hello");
    assert_int_equal(run.settings.door, 1);
    assert_string_equal(run.settings.database.db_host, "127.0.0.1");
    assert_string_equal(run.settings.database.db_password, "sesame");
    assert_int_equal(run.settings.database.db_port, 3306);
    assert_int_equal(run.settings.database.inner.retry_ms, 100);
    assert_string_equal(run.settings.database.inner.retry_name, "");
    assert_int_equal(run.first_rest, 1);
    config_free(&program, &run.settings);
    assert_null(run.settings.database.inner.retry_name);
    done(&run); /* freeing twice is harmless */
}

CONFIG_TEST(each_source_outranks_the_one_before) {
    static const char text[] = "# settings of all services\n"
                               "\n"
                               "workers = 11\r\n"
                               "  db_port=12  \n"
                               "retry-ms = 13\n"
                               "welcome = a = b # c \n"
                               "cursor-flush-ms = 1\n" /* another program's */
                               "db_host =\n"
                               "open_login = no";
    char path[sizeof FILE_NAME];
    struct run run;
    write_file(path, text, strlen(text));
    setenv("PARLEY_DB_PORT", "22", 1);
    setenv("PARLEY_RETRY_MS", "23", 1);
    setenv("PARLEY_PORT_BASE", "not for this program", 1);
    setenv("PARLEY_VAR", "/tmp", 1);
    LOAD(&run, "--retry_ms=33", "--retry-name", "x");
    unlink(path);
    assert_loaded(&run);
    assert_int_equal(run.settings.workers, 11);
    assert_int_equal(run.settings.database.db_port, 22);
    assert_int_equal(run.settings.database.inner.retry_ms, 33);
    assert_string_equal(run.settings.database.inner.retry_name, "x");
    assert_string_equal(run.settings.welcome, "a = b # c");
    assert_string_equal(run.settings.database.db_host, "");
    assert_false(run.settings.open_login);
    done(&run);
}

CONFIG_TEST(the_command_line_names_the_file) {
    char path[sizeof FILE_NAME];
    struct run run;
    write_file(path, "workers=9\n", 10);
    setenv("PARLEY_CONFIG", "/nonexistent/parley.conf", 1);
    LOAD(&run, "--workers=10", "--config", path);
    assert_loaded(&run);
    assert_int_equal(run.settings.workers, 10);
    done(&run);
    LOAD(&run, "--config=");
    assert_loaded(&run);
    assert_int_equal(run.settings.workers, 4);
    done(&run);
    load(&run, 0, NULL);
    assert_refused(
        &run, "parley-auth: cannot read /nonexistent/parley.conf: No such file or directory\n");
    LOAD(&run, "--config=/tmp");
    assert_refused(&run, "parley-auth: cannot read /tmp: Is a directory\n");
    unlink(path);
}

CONFIG_TEST(numbers_are_held_to_their_range) {
    struct run run;
    LOAD(&run, "--db_port=70000");
    assert_refused(&run, "parley-auth: db_port: 70000 is not between 1 and 65535 (port)\n");
    LOAD(&run, "--db-port", "0");
    assert_refused(&run, "parley-auth: db_port: 0 is not between 1 and 65535 (port)\n");
    LOAD(&run, "--workers=65");
    assert_refused(&run, "parley-auth: workers: 65 is not between 1 and 64\n");
    LOAD(&run, "--retry_ms=18446744073709551616");
    assert_refused(&run, "parley-auth: retry_ms: 18446744073709551616 is not between 0 and "
                         "18446744073709551615 (ms)\n");
    LOAD(&run, "--retry_ms=18446744073709551615", "--db_port=65535", "--workers=1");
    assert_loaded(&run);
    assert_true(run.settings.database.inner.retry_ms == UINT64_MAX);
    assert_int_equal(run.settings.database.db_port, 65535);
    assert_int_equal(run.settings.workers, 1);
    done(&run);
}

CONFIG_TEST(texts_that_are_no_number_are_refused) {
    static const char *const values[] = {"", "x", "-1", "+1", " 1", "1 ", "0x10", "1.5", "1\n2"};
    static const char *const shown[] = {"", "x", "-1", "+1", " 1", "1 ", "0x10", "1.5", "1\\n2"};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct run run;
        char line[128];
        LOAD(&run, "--workers", values[i]);
        snprintf(line, sizeof line,
                 "parley-auth: workers: \"%s\" is not a number between 1 and 64\n", shown[i]);
        assert_refused(&run, line);
    }
}

CONFIG_TEST(bools) {
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};
    struct run run;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        setenv("PARLEY_OPEN_LOGIN", words[i], 1);
        load(&run, 0, NULL);
        assert_loaded(&run);
        assert_int_equal(run.settings.open_login, i % 2);
        done(&run);
    }
    setenv("PARLEY_OPEN_LOGIN", "no", 1);
    LOAD(&run, "--open-login", "rest");
    assert_loaded(&run);
    assert_true(run.settings.open_login);
    assert_string_equal(run.argv[run.first_rest], "rest");
    done(&run);
    LOAD(&run, "--open_login=maybe");
    assert_refused(&run, "parley-auth: open_login: \"maybe\" is neither true nor false\n");
}

CONFIG_TEST(faults_name_their_source) {
    static const char text[] = "# one\nworkers = 5\ndb_port = 70000\n";
    char path[sizeof FILE_NAME], line[256];
    struct run run;
    write_file(path, text, strlen(text));
    load(&run, 0, NULL);
    snprintf(line, sizeof line,
             "parley-auth: db_port: 70000 is not between 1 and 65535 (port), in %s:3\n", path);
    assert_refused(&run, line);
    unlink(path);
    unsetenv("PARLEY_CONFIG");
    setenv("PARLEY_WORKERS", "many", 1);
    load(&run, 0, NULL);
    assert_refused(&run, "parley-auth: workers: \"many\" is not a number between 1 and 64, in "
                         "PARLEY_WORKERS\n");
}

CONFIG_TEST(lines_that_are_none) {
    static const char *const texts[] = {"workers = 5\nsesame\n", "\n= 5", "\n  [auth]"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char path[sizeof FILE_NAME], line[256];
        struct run run;
        write_file(path, texts[i], strlen(texts[i]));
        load(&run, 0, NULL);
        snprintf(line, sizeof line, "parley-auth: a line must be `name = value`, in %s:2\n", path);
        assert_refused(&run, line);
        unlink(path);
    }
}

CONFIG_TEST(a_file_has_at_most_64_kib) {
    enum { MOST = 65536 };
    char path[sizeof FILE_NAME], line[256];
    struct run run;
    char *text = malloc(MOST + 1);
    assert_non_null(text);
    snprintf(text, MOST, "welcome=");
    memset(text + 8, 'x', MOST + 1 - 8);
    write_file(path, text, MOST);
    load(&run, 0, NULL);
    assert_loaded(&run);
    assert_int_equal(strlen(run.settings.welcome), MOST - 8);
    done(&run);
    unlink(path);
    write_file(path, text, MOST + 1);
    load(&run, 0, NULL);
    snprintf(line, sizeof line, "parley-auth: more than 65536 bytes, in %s\n", path);
    assert_refused(&run, line);
    unlink(path);
    write_file(path, "workers=1\0\n", 11);
    load(&run, 0, NULL);
    snprintf(line, sizeof line, "parley-auth: not a text, in %s\n", path);
    assert_refused(&run, line);
    unlink(path);
    write_file(path, "", 0);
    load(&run, 0, NULL);
    assert_loaded(&run);
    done(&run);
    unlink(path);
    free(text);
}

CONFIG_TEST(unknown_options_are_refused) {
    static const char *const lines[][2] = {
        {"--db_pasword=sesame", "--db_pasword (did you mean --db_password?)"},
        {"--db_hos=x", "--db_hos (did you mean --db_host?)"},
        {"--bd-host=x", "--bd-host (did you mean --db_host?)"},
        {"--hlep", "--hlep (did you mean --help?)"},
        {"-db_port=1", "-db_port (did you mean --db_port?)"},
        {"--cursor_flush_ms=1", "--cursor_flush_ms (--help has all)"}, /* another program's */
        {"--=x", "-- (--help has all)"},
        {"-x", "-x (--help has all)"},
    };
    struct run run;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        char line[128];
        LOAD(&run, lines[i][0]);
        snprintf(line, sizeof line, "parley-auth: unknown option %s\n", lines[i][1]);
        assert_refused(&run, line);
    }
    LOAD(&run, "--db_port");
    assert_refused(&run, "parley-auth: option --db_port needs a value\n");
    LOAD(&run, "--config");
    assert_refused(&run, "parley-auth: option --config needs a value\n");
    LOAD(&run, "--help=html");
    assert_refused(&run, "parley-auth: option --help does not take that value, see --help\n");
}

CONFIG_TEST(unknown_names_in_the_file_are_refused) {
    static const char *const lines[][2] = {
        {"db_hots = x", "\"db_hots\" (did you mean db_host?)"},
        {"Workers = 3", "\"Workers\" (did you mean workers?)"},
        /* another program's */
        {"writer_qeue = 3", "\"writer_qeue\" (did you mean writer_queue?)"},
        {"zzzzzz = 3", "\"zzzzzz\" (docs/options.md has all)"},
        {"q = 3", "\"q\" (docs/options.md has all)"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        char path[sizeof FILE_NAME], line[256];
        struct run run;
        write_file(path, lines[i][0], strlen(lines[i][0]));
        load(&run, 0, NULL);
        snprintf(line, sizeof line, "parley-auth: unknown option %s, in %s:1\n", lines[i][1], path);
        assert_refused(&run, line);
        unlink(path);
    }
}

CONFIG_TEST(unknown_names_in_the_environment_are_refused) {
    static const char *const names[][2] = {
        {"PARLEY_DB_HOTS", "(did you mean PARLEY_DB_HOST?)"},
        {"PARLEY_db_host", "(did you mean PARLEY_DB_HOST?)"},
        {"PARLEY_PORTBASE", "(did you mean PARLEY_PORT_BASE?)"}, /* of deploy/local */
        {"PARLEY_WRITER_QEUE", "(did you mean PARLEY_WRITER_QUEUE?)"},
        {"PARLEY_ZZZZZZ", "(docs/options.md has all)"},
        {"PARLEY_", "(docs/options.md has all)"},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char line[256];
        struct run run;
        setenv(names[i][0], "sesame", 1);
        load(&run, 0, NULL);
        unsetenv(names[i][0]);
        snprintf(line, sizeof line, "parley-auth: unknown option %s %s, in the environment\n",
                 names[i][0], names[i][1]);
        assert_refused(&run, line);
    }
}

/* The longest name that is looked at is compared, a longer one is not. */
CONFIG_TEST(long_names_are_refused) {
    char name[300], line[512];
    static const size_t lengths[] = {64, 65, 290};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct run run;
        memset(name, 0, sizeof name);
        memset(name, 'A', lengths[i]);
        memcpy(name, "PARLEY_", 7);
        setenv(name, "1", 1);
        load(&run, 0, NULL);
        unsetenv(name);
        snprintf(line, sizeof line,
                 "parley-auth: unknown option %s (docs/options.md has all), in the environment\n",
                 name);
        assert_refused(&run, line);
    }
}

CONFIG_TEST(arguments_are_left_in_order) {
    struct run run;
    LOAD(&run, "one", "--workers", "7", "-", "--welcome=", "two", "--open_login=off", "--", "--x",
         "three");
    assert_loaded(&run);
    assert_int_equal(run.settings.workers, 7);
    assert_string_equal(run.settings.welcome, "");
    assert_false(run.settings.open_login);
    static const char *const rest[] = {"one", "-", "two", "--x", "three"};
    assert_int_equal(run.argc - run.first_rest, 5);
    for (int i = 0; i < 5; i++)
        assert_string_equal(run.argv[run.first_rest + i], rest[i]);
    assert_null(run.argv[run.argc]);
    done(&run);
    LOAD(&run, "--welcome", "--help", "--workers=1", "--workers=2");
    assert_loaded(&run);
    assert_string_equal(run.settings.welcome, "--help");
    assert_int_equal(run.settings.workers, 2);
    done(&run);
}

CONFIG_TEST(a_choice_is_one_of_its_words) {
    static const char *const words[] = {"open", "ajar", "closed"};
    struct run run;
    for (size_t i = 0; i < 3; i++) {
        setenv("PARLEY_DOOR", words[i], 1);
        load(&run, 0, NULL);
        assert_loaded(&run);
        assert_int_equal(run.settings.door, i);
        done(&run);
    }
    unsetenv("PARLEY_DOOR");
    static const char *const others[] = {"", "clos", "closedd", "Open", "open|ajar", "1", "|"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        char argument[32], line[128];
        snprintf(argument, sizeof argument, "--door=%s", others[i]);
        snprintf(line, sizeof line, "parley-auth: door: \"%s\" is none of open, ajar, closed\n",
                 others[i]);
        LOAD(&run, argument);
        assert_refused(&run, line);
    }
}

CONFIG_TEST(help_tells_all) {
    struct run run;
    setenv("PARLEY_CONFIG", "/nonexistent", 1); /* help is printed before anything is read */
    LOAD(&run, "--workers=1", "--help");
    assert_int_equal(run.status, CONFIG_EXIT);
    assert_string_equal(run.err, "");
    assert_non_null(strstr(run.out, "usage: parley-auth [OPTION]...\nKeeps accounts.\n"));
    assert_non_null(strstr(run.out, "  --db_port=NUMBER\n        port of MariaDB\n"
                                    "        1 to 65535 port, default 3306, PARLEY_DB_PORT\n"));
    assert_non_null(strstr(run.out, "  --open_login[=BOOL]\n        log in without a password\n"
                                    "        default true, PARLEY_OPEN_LOGIN\n"));
    assert_non_null(strstr(run.out, "  --door=WORD\n        how the door is\n"
                                    "        open, ajar, closed; default ajar, PARLEY_DOOR\n"));
    assert_non_null(strstr(run.out, "default empty, PARLEY_RETRY_NAME\n"));
    assert_non_null(strstr(run.out, "default hidden, PARLEY_DB_PASSWORD\n"));
    assert_non_null(strstr(run.out, "--config=FILE"));
    assert_null(strstr(run.out, "sesame"));
    done(&run);
}

CONFIG_TEST(help_as_markdown) {
    struct run run;
    LOAD(&run, "--help=markdown");
    assert_int_equal(run.status, CONFIG_EXIT);
    assert_string_equal(
        run.out,
        "## parley-auth\n\nKeeps accounts.\n\n"
        "| option | default | unit | range | environment | meaning |\n"
        "| --- | --- | --- | --- | --- | --- |\n"
        "| `open_login` | true | | true, false | `PARLEY_OPEN_LOGIN` | log in without a password "
        "|\n"
        "| `db_host` | 127.0.0.1 | | text | `PARLEY_DB_HOST` | host of MariaDB |\n"
        "| `db_password` | hidden | | text | `PARLEY_DB_PASSWORD` | password at MariaDB |\n"
        "| `db_port` | 3306 | port | 1 to 65535 | `PARLEY_DB_PORT` | port of MariaDB |\n"
        "| `retry_ms` | 100 | ms | 0 to 18446744073709551615 | `PARLEY_RETRY_MS` | pause before a "
        "retry |\n"
        "| `retry_name` | empty | | text | `PARLEY_RETRY_NAME` | name \\| of the retry |\n"
        "| `workers` | 4 | | 1 to 64 | `PARLEY_WORKERS` | threads |\n"
        "| `welcome` | hello | | text | `PARLEY_WELCOME` | greeting |\n"
        "| `door` | ajar | | open, ajar, closed | `PARLEY_DOOR` | how the door is |\n");
    done(&run);
}

CONFIG_TEST(version) {
    struct run run;
    LOAD(&run, "--version");
    assert_int_equal(run.status, CONFIG_EXIT);
    assert_int_equal(strncmp(run.out, "parley-auth ", 12), 0);
    const char *end = strchr(run.out, '\n');
    assert_true(end > run.out + 12 && end[1] == '\0');
    done(&run);
}

int main(void) { return test_run_all(NULL, NULL); }
