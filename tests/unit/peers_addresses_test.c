/*
 * Names that appear, go and are resolved late: the test answers for those that end in `.test`.
 */
#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>

#include "tests/support/peers_fixture.h"

static struct {
    pthread_mutex_t lock;
    bool one_is_there, two_is_there;
    int wanted;            /* the family that both.test and six.test were last asked for */
    size_t one_failed;     /* lookups of one.test that found nothing */
    bool waiting, release; /* slow.test: a lookup is under way; it may end */
} names = {.lock = PTHREAD_MUTEX_INITIALIZER};

typedef int lookup(const char *name, const char *service, const struct addrinfo *req,
                   struct addrinfo **pai);

static bool is_there(const char *host) {
    pthread_mutex_lock(&names.lock);
    bool there = strcmp(host, "one.test") == 0   ? names.one_is_there
                 : strcmp(host, "two.test") == 0 ? names.two_is_there
                                                 : false;
    names.one_failed += strcmp(host, "one.test") == 0 && !there;
    while (strcmp(host, "slow.test") == 0 && !names.release) {
        names.waiting = true;
        pthread_mutex_unlock(&names.lock);
        zclock_sleep(5);
        pthread_mutex_lock(&names.lock);
    }
    pthread_mutex_unlock(&names.lock);
    return there;
}

/* six.test has an address of IPv6; both.test one of IPv4 behind that. */
static int look_up_families(const char *name, const struct addrinfo *req, struct addrinfo **pai) {
    lookup *real = (lookup *)dlsym(RTLD_NEXT, "getaddrinfo");
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = req->ai_socktype};
    pthread_mutex_lock(&names.lock);
    names.wanted = req->ai_family;
    pthread_mutex_unlock(&names.lock);
    int status = real("::1", NULL, &hints, pai);
    if (status == 0 && strcmp(name, "both.test") == 0)
        status = real("127.0.0.1", NULL, &hints, &(*pai)->ai_next);
    return status;
}

/* In place of libc's, for ZeroMQ too. */
int getaddrinfo(const char *name, const char *service, const struct addrinfo *req,
                struct addrinfo **pai) {
    lookup *real = (lookup *)dlsym(RTLD_NEXT, "getaddrinfo");
    if (strstr(name, ".test") == NULL || (req->ai_flags & AI_NUMERICHOST) != 0)
        return real(name, service, req, pai);
    if (strcmp(name, "six.test") == 0 || strcmp(name, "both.test") == 0)
        return look_up_families(name, req, pai);
    return is_there(name) ? real("127.0.0.1", service, req, pai) : EAI_AGAIN;
}

#define LOCKED(statement_)                                                                         \
    do {                                                                                           \
        pthread_mutex_lock(&names.lock);                                                           \
        statement_;                                                                                \
        pthread_mutex_unlock(&names.lock);                                                         \
    } while (0)

static size_t one_failed(void) {
    size_t count;
    LOCKED(count = names.one_failed);
    return count;
}

static bool slow_is_waited_for(void) {
    bool waiting;
    LOCKED(waiting = names.waiting);
    return waiting;
}

PEERS_TEST(a_name_that_is_gone_for_a_moment_keeps_its_addresses) {
    int port = node_new(f)->port, other = node_new(f)->port;
    LOCKED(names.one_is_there = true; names.two_is_there = false);
    f->peers = peers_make(f, test_text("dns:one.test:%d,tcp://two.test:%d", port, other));
    assert_non_null(f->peers);
    WAIT_FOR(f, peers_live_count(f->peers) == 1);
    assert_string_equal(peer_address(peers_next(f->peers)), node_address(f->nodes[0]));
    LOCKED(names.one_is_there = false; names.two_is_there = true);
    WAIT_FOR(f, peers_live_count(f->peers) == 2);
    size_t failed = one_failed();
    WAIT_FOR(f, one_failed() > failed);
    for (size_t i = 0; i < 2; i++)
        assert_true(f->peers->peers[i]->listed);
    assert_int_equal(f->changes[PEER_LOST], 0);
}

PEERS_TEST(a_lookup_that_takes_long_holds_up_nothing) {
    struct node *node = node_new(f);
    LOCKED(names.waiting = names.release = false);
    f->peers = peers_make(f, test_text("tcp://slow.test:1,%s", node_address(node)));
    assert_non_null(f->peers);
    WAIT_FOR(f, peers_live_count(f->peers) == 1 && slow_is_waited_for());
    ask(f, peers_next(f->peers), 4);
    WAIT_FOR(f, node->asked_count == 1);
    node_answer(node, 0);
    WAIT_FOR(f, f->outcome_count == 1);
    assert_outcome(f, 0, 4, ERR_OK);
    peers_destroy(&f->peers); /* or it would never end: the look-up does not before it */
    LOCKED(names.release = true);
}

/* An instance that has an address of each family is one; one that has none of IPv4 is found, too.
 */
PEERS_TEST(names_are_asked_for_both_families) {
    struct node *node = node_new(f);
    f->peers = peers_make(f, test_text("dns:both.test:%d,dns:six.test:7199", node->port));
    assert_non_null(f->peers);
    WAIT_FOR(f, peers_live_count(f->peers) == 1 && f->peers->count == 2);
    assert_string_equal(peer_address(peers_next(f->peers)), node_address(node));
    int wanted;
    LOCKED(wanted = names.wanted);
    assert_int_equal(wanted, AF_UNSPEC);
    bool found = false;
    for (size_t i = 0; i < f->peers->count; i++)
        found |= strcmp(peer_address(f->peers->peers[i]), "tcp://[::1]:7199") == 0;
    assert_true(found);
}

int main(void) { return test_run_all(NULL, NULL); }
