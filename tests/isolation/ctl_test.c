/* parleyctl: its commands against a real database and a real auth, and how they fail. */
#include <stdlib.h>
#include <string.h>

#include "services/schema/migrations.h"
#include "tests/support/assertions.h"
#include "tests/support/auth_fixture.h"
#include "tests/support/fake_peer.h"
#include "tests/support/test_list.h"

#define MIGRATORS 4

/* Runs parleyctl, which must end with `status` and say `expected` somewhere, in one line if need
 * be.
 */
static void assert_runs(const char *const *arguments, int status, const char *expected,
                        bool one_line) {
    char *output = NULL;
    int actual = service_process_run("parleyctl", arguments, &output);
    if (output == NULL || actual != status || strstr(output, expected) == NULL ||
        (one_line && strchr(output, '\n') != output + strlen(output) - 1))
        fail_msg("parleyctl %s %s ended with %d, expected %d and%s '%s', said:\n%s", arguments[0],
                 arguments[1] == NULL ? "" : arguments[1], actual, status,
                 one_line ? " one line with" : "", expected, output);
    free(output);
}
#define ASSERT_RUNS(status_, expected_, ...)                                                       \
    assert_runs((const char *[]){__VA_ARGS__, NULL}, status_, expected_, false)
#define ASSERT_FAILS(status_, expected_, ...)                                                      \
    assert_runs((const char *[]){__VA_ARGS__, NULL}, status_, expected_, true)

/* The timeout of requests to a service that is not there. */
#define SOON "--request-timeout-ms=200"
/* The timeout of requests to a service that is there, on a busy machine. */
#define PATIENT "--wait=60"

/* --- migrate ------------------------------------------------------------------------------- */

TEST(test_migrate_again) { ASSERT_RUNS(0, "nothing to do", "migrate"); }

TEST(test_migrations_at_once) {
    struct service_process *migrators[MIGRATORS];
    int appliers = 0;
    struct test_database *database = test_database_new_empty("ctl");
    for (int i = 0; i < MIGRATORS; i++)
        migrators[i] = service_process_start("parleyctl", NULL, (const char *[]){"migrate", NULL});
    for (int i = 0; i < MIGRATORS; i++) {
        assert_int_equal(service_process_wait_exit(migrators[i]), 0);
        appliers += strstr(service_process_output(migrators[i]), "applied 0001_initial") != NULL;
        service_process_kill(&migrators[i]);
    }
    assert_int_equal(appliers, 1);
    assert_int_equal(test_database_number(database, "SELECT COUNT(*) FROM schema_version"
                                                    " WHERE finished_ms >= started_ms"),
                     migrations_count);
    test_database_destroy(&database);
}

/* The first migration meets a table of its own that is there already. */
TEST(test_migration_that_stops_half_way) {
    struct test_database *database = test_database_new_empty("ctl");
    test_database_run(database, "CREATE TABLE token (x INT)");
    ASSERT_RUNS(1, "0001_initial stopped half way", "migrate");
    ASSERT_FAILS(1, "0001_initial was begun and is not finished", "migrate");
    test_database_destroy(&database);
}

TEST(test_migration_that_changes_nothing) {
    struct test_database *database = test_database_new_empty("ctl");
    test_database_run(database, "CREATE SEQUENCE account_number");
    ASSERT_RUNS(1, "0001_initial failed, nothing was changed", "migrate");
    test_database_run(database, "DROP SEQUENCE account_number");
    ASSERT_RUNS(0, "applied 0001_initial", "migrate");
    test_database_destroy(&database);
}

/* The log that a release before has filled, whose services go on: nothing is settled, no head
 * counts as claimed by one of them, and the tables that they write are still there. */
TEST(test_migration_of_a_filled_database) {
    enum { BEFORE = 5 };
    struct test_database *database = test_database_new_empty("ctl");
    test_database_run(database, "CREATE TABLE schema_version (number INT UNSIGNED NOT NULL PRIMARY"
                                " KEY, name VARCHAR(64) NOT NULL, started_ms BIGINT UNSIGNED NOT"
                                " NULL, finished_ms BIGINT UNSIGNED NULL)");
    for (size_t i = 0; i < BEFORE; i++) {
        test_database_run(database, migrations[i].sql);
        char row[256];
        snprintf(row, sizeof row, "INSERT INTO schema_version VALUES (%u, '%s', 1, 2)",
                 migrations[i].number, migrations[i].name);
        test_database_run(database, row);
    }
    test_database_run(database,
                      "INSERT INTO conversation (id, kind, lo, hi, writer, created_ms)"
                      " SELECT seq, 0, seq, 9000000 + seq, 77, 1 FROM seq_1_to_1000;"
                      " INSERT INTO `cursor` (account, conversation, received, seen)"
                      " SELECT seq, seq, 5, 4 FROM seq_1_to_1000;"
                      " INSERT INTO message (conversation, cid, time_ms, type, sender, body)"
                      " SELECT seq, 5, 1, 0, seq, 'text' FROM seq_1_to_1000");
    ASSERT_RUNS(0, "applied 0006", "migrate");
    assert_int_equal(test_database_number(database, "SELECT COUNT(*) FROM `cursor` WHERE NOT"
                                                    " is_settled AND settled = 0 AND received = 5"
                                                    " AND seen = 4"),
                     1000);
    assert_int_equal(test_database_number(database, "SELECT COUNT(*) FROM conversation WHERE"
                                                    " writer = 0 AND claimant = 0"),
                     1000);
    assert_int_equal(test_database_number(database, "SELECT COUNT(*) FROM message WHERE"
                                                    " body = 'text' AND reply IS NULL"),
                     1000);
    test_database_run(database,
                      "UPDATE conversation SET writer = 77 WHERE id = 5;"
                      " INSERT INTO message (conversation, cid, time_ms, type, sender, nonce,"
                      " subject, about, accepted, body) VALUES (5, 6, 1, 0, 5, NULL, NULL, NULL,"
                      " NULL, 'of the release before');"
                      " INSERT IGNORE INTO `cursor` (account, conversation) VALUES (6, 5)");
    assert_int_equal(test_database_number(database, "SELECT MAX(writer) FROM conversation"), 77);
    test_database_destroy(&database);
}

AUTH_TEST(test_newer_database) {
    test_database_run(f->database, "INSERT INTO schema_version VALUES (999, '0999_later', 1, 2)");
    ASSERT_FAILS(1, "use a newer build", "migrate");
    test_database_run(f->database, "DELETE FROM schema_version WHERE number = 999");
}

TEST(test_no_database) {
    ASSERT_FAILS(1, "/nonexistent/socket", "migrate", "--db-socket=/nonexistent/socket");
}

/* --- services ------------------------------------------------------------------------------ */

static const char *free_address(void) {
    return test_text("tcp://127.0.0.1:%u", (unsigned)test_free_port());
}

AUTH_TEST(test_ping_and_metrics) {
    const char *address = caller_address(f->caller), *nobody = free_address();
    ASSERT_RUNS(0, "ready", "ping", address);
    ASSERT_FAILS(1, "is not ready", "ping", nobody);
    ASSERT_RUNS(0, "parley_requests_total", "metrics", address);
    ASSERT_FAILS(1, "does not answer", "metrics", nobody);
}

/* An auth stands in for the other services: any service answers service.status. */
/* An auth that stands for every service, which it can do only without keys. */
static struct service_process *start_plain(struct caller **caller_r) {
    return auth_fixture_start((const char *[]){AUTH_CHEAP, "--curve=off", NULL}, caller_r);
}

static void stop_plain(struct service_process **plain, struct caller **caller) {
    caller_destroy(caller);
    assert_int_equal(service_process_stop(plain), 0);
}

TEST(test_status) {
    struct caller *caller;
    struct service_process *plain = start_plain(&caller);
    const char *address = caller_address(caller), *nobody = free_address();
    const char *auth = test_text("--auth-peers=%s,%s", address, address);
    const char *group = test_text("--group-peers=%s", address);
    const char *session = test_text("--session-peers=%s", address);
    const char *delivery =
        test_text("--delivery-peers=dns:localhost:%s", strrchr(address, ':') + 1);
    const char *files = test_text("--files-peers=%s", address);
    const char *hooks = test_text("--hooks-peers=%s", address);
    const char *gateway = test_text("--gateway-port=%s", strrchr(address, ':') + 1);
    /* Whatever the environment says, here the port counts. */
    const char *by_port = "--gateway-peers=";
    ASSERT_RUNS(0, "yes", "status", "--curve=off", PATIENT, auth, group, session, delivery, files,
                hooks, gateway, by_port);
    ASSERT_RUNS(1, "not everything is ready", "status", "--curve=off", SOON, auth, group, session,
                delivery, test_text("--gateway-peers=%s", nobody));
    ASSERT_RUNS(1, "not found", "status", "--curve=off", "--wait=1", SOON, auth, group, session,
                gateway, by_port, "--delivery-peers=dns:no.such.name.invalid:7104");
    /* Names and numbers in one list: the only one that leads there. */
    ASSERT_RUNS(
        1, test_text("tcp://127.0.0.1:%s", strrchr(address, ':') + 1), "status", "--curve=off",
        SOON, test_text("--auth-peers=%s", nobody), test_text("--group-peers=%s", nobody),
        test_text("--session-peers=%s", nobody), test_text("--gateway-peers=%s", nobody),
        test_text("--delivery-peers=%s,dns:localhost:%s", nobody, strrchr(address, ':') + 1));
    stop_plain(&plain, &caller);
}

TEST(test_status_of_queues) {
    struct caller *caller;
    struct service_process *plain = start_plain(&caller);
    const char *address = caller_address(caller);
    const char *peers[] = {
        test_text("--auth-peers=%s", address),    test_text("--group-peers=%s", address),
        test_text("--session-peers=%s", address), test_text("--delivery-peers=%s", address),
        test_text("--files-peers=%s", address),   test_text("--gateway-peers=%s", address),
        test_text("--hooks-peers=%s", address)};
    ASSERT_RUNS(0, test_text("\nauth %s\n    calls ", address), "status", "--curve=off", PATIENT,
                peers[0], peers[1], peers[2], peers[3], peers[4], peers[5], peers[6]);
    ASSERT_RUNS(0, ", pool 0/10000, hashes 0/10000, callers ", "status", "--curve=off", PATIENT,
                peers[0], peers[1], peers[2], peers[3], peers[4], peers[5], peers[6]);
    ASSERT_RUNS(0, "\"pool\":{\"depth\":0,\"limit\":10000}", "status", "--curve=off", "--json",
                PATIENT, peers[0], peers[1], peers[2], peers[3], peers[4], peers[5], peers[6]);
    /* One that does not answer has none. */
    ASSERT_RUNS(1, "\"instance\":\"-\"}", "status", "--curve=off", "--json", SOON, peers[0],
                peers[1], peers[2], peers[3], peers[4], peers[6],
                test_text("--gateway-peers=%s", free_address()));
    stop_plain(&plain, &caller);
}

AUTH_TEST(test_user_add) {
    const char *auth = test_text("--auth-peers=%s", caller_address(f->caller));
    ASSERT_RUNS(0, "has the id anna", "user", "add", auth, "anna", "--email=Anna@example.org",
                "--name=Anna");
    ASSERT_FAILS(1, "that id is taken", "user", "add", auth, "anna");
    ASSERT_FAILS(1, "that e-mail address is taken", "user", "add", auth, "--email",
                 "anna@example.org");
    ASSERT_RUNS(0, " has the id ", "user", "add", auth);
    /* Standard input is empty. */
    ASSERT_FAILS(1, "no password on standard input", "user", "add", auth, "--password-stdin",
                 "bert");
    ASSERT_FAILS(1, "no instance of auth is ready", "user", "add", SOON, "bert",
                 test_text("--auth-peers=%s", free_address()));
}

static void expect_kick(struct fake_peer *session, uint64_t account, const char *reason) {
    struct session_kick kick;
    fake_peer_expect(session, &message_SESSION_KICK, &kick);
    assert_true(kick.account == account);
    assert_slice_text(kick.reason, reason);
}

/* Its connections are ended. */
AUTH_TEST(test_user_disable) {
    uint64_t number = auth_registered(f, (struct auth_register){.id = slice_text("dora")});
    const char *auth = test_text("--auth-peers=%s", caller_address(f->caller));
    uint16_t port = test_free_port();
    struct fake_peer *session = fake_peer_new("session", port);
    const char *peers = test_text("--session-peers=tcp://127.0.0.1:%u", (unsigned)port);
    ASSERT_RUNS(0, "dora is disabled", "user", "disable", auth, peers, "dora");
    expect_kick(session, number, "the account is disabled");
    ASSERT_RUNS(0, "dora is enabled", "user", "enable", auth, peers, "dora");
    assert_int_equal(fake_peer_waiting(session), 0);
    fake_peer_destroy(&session);
}

/* Faults that are found before group is asked. */
AUTH_TEST(test_group_add) {
    const char *auth = test_text("--auth-peers=%s", caller_address(f->caller));
    const char *group = test_text("--group-peers=%s", free_address());
    ASSERT_FAILS(1, "there is no account 'nobody'", "group", "add", auth, group, "1", "nobody");
    ASSERT_FAILS(1, "no instance of group is ready", "group", "add", auth, group, "1", "2");
    ASSERT_FAILS(1, "there is no account 'nobody'", "group", "create", auth, group, "g", "nobody");
}

/* A database's refusal is reported in one sentence, without a line of the log. */
TEST(test_database_refuses) {
    ASSERT_FAILS(1, "parleyctl: cannot migrate the database: the password (db_password)", "migrate",
                 "--db-password=wrong");
    ASSERT_FAILS(1, "is wrong, says MariaDB at /", "user", "list", "--db-password=wrong");
    ASSERT_FAILS(1, "needs a password (db_password), says", "user", "list", "--db-password=");
    ASSERT_FAILS(1, "of the user 'nobody_here' (db_user) is wrong", "user", "list",
                 "--db-user=nobody_here", "--db-password=x");
    ASSERT_FAILS(1, "(db_name)", "user", "list", "--db-name=parley_not_there");
    ASSERT_FAILS(1, "cannot read the database: ", "user", "show", "anna",
                 "--db-socket=/nonexistent/socket");
}

/* Nobody is asked, since nobody is there: that would be status 1. */
TEST(test_arguments_are_checked_first) {
    const char *nobody = test_text("--auth-peers=%s", free_address());
#define WRONG(sentence_, ...) ASSERT_FAILS(2, sentence_, __VA_ARGS__, nobody)
    WRONG("ID must be a number or an id", "user", "enable", "");
    WRONG("ID must be a number or an id", "user", "disable", "a\tb");
    WRONG("ID must be a number or an id", "kick",
          "12345678901234567890123456789012345678901234567890123456789012345");
    WRONG("ID must not be SYSTEM", "user", "enable", "SYSTEM");
    WRONG("OWNER must be a number or an id", "group", "create", "g", "");
    WRONG("--email must be an e-mail address", "user", "add", "--email=somebody");
    WRONG("--name must be", "user", "add", "--name=a\nb");
    WRONG("--name must be", "group", "create", "--name=a\nb", "g", "anna");
    WRONG("TEXT is empty", "say", "--all", "");
    WRONG("TEXT is not UTF-8", "say", "--all", "\xff");
    WRONG("TEXT is longer than", "say", "--all", test_text("%070000d", 1));
    WRONG("--user must be a number or an id", "say", "--user=a\tb", "hello");
    WRONG("REASON is longer than 100 bytes", "kick", "5", test_text("%0101d", 1));
    ASSERT_FAILS(2, "ID must be a number or an id", "user", "show", "");
    ASSERT_FAILS(2, "ADDRESS must be an address like tcp://127.0.0.1:7101", "ping", "nonsense");
    ASSERT_FAILS(2, "ADDRESS must be an address", "metrics", "tcp://127.0.0.1:70000");
    ASSERT_FAILS(2, "auth_peers: 'nonsense' is neither", "status", "--auth-peers=nonsense");
}

TEST(test_usage) {
    ASSERT_FAILS(2, "give a command first", "--db-name=x", "migrate");
    ASSERT_FAILS(2, "there is no command 'group paint'", "group", "paint");
    ASSERT_FAILS(2, "there is no command 'nothing'", "nothing");
    ASSERT_FAILS(2, "usage: parleyctl ping", "ping");
    ASSERT_FAILS(2, "usage: parleyctl migrate", "migrate", "now");
    ASSERT_FAILS(2, "wait", "migrate", "--wait=1");
    ASSERT_RUNS(0, "group add GROUP ACCOUNT", "--help");
    ASSERT_RUNS(0, "group add GROUP ACCOUNT", "help");
    ASSERT_RUNS(0, "usage: parleyctl group add [OPTION]... GROUP ACCOUNT", "group", "add",
                "--help");
    ASSERT_RUNS(0, "| `gateway_port` |", "--help=markdown");
}

int main(void) { return test_run_all(auth_fixture_setup, auth_fixture_teardown); }
