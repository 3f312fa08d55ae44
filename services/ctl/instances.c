/* Where the services are; see instances.h. */
#include "services/ctl/instances.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/loop.h"
#include "common/peers_list.h"
#include "common/service.h"

/* limit: tool | pause between two questions to an instance that is not ready | {AGAIN_MS} | asked
 * again until the time is over */
/* Between two questions to an instance that is not ready yet. */
#define AGAIN_MS 100

const char *instance_service_name(enum instance_service service) {
    static const char *const names[] = {"auth",  "group", "session", "delivery",
                                        "files", "hooks", "gateway"};
    return names[service];
}

static void add(struct instances *instances, const char *address) {
    for (size_t i = 0; i < instances->count; i++)
        if (strcmp(instances->addresses[i], address) == 0)
            return;
    if (instances->count < INSTANCES_MAX)
        snprintf(instances->addresses[instances->count++], INSTANCE_ADDRESS_BYTES, "%s", address);
}

/* Every address behind the host; as for the services, those of IPv6 count where there are none of
 * IPv4. */
static void add_part(struct instances *instances, const struct peers_part *part) {
    static const int families[] = {AF_INET, AF_INET6};
    char address[INSTANCE_ADDRESS_BYTES], host[INET6_ADDRSTRLEN];
    size_t before = instances->count;
    for (size_t i = 0; i < 2 && instances->count == before; i++) {
        struct addrinfo hints = {.ai_family = families[i], .ai_socktype = SOCK_STREAM};
        struct addrinfo *found = NULL;
        if (getaddrinfo(part->host, NULL, &hints, &found) != 0)
            continue;
        for (struct addrinfo *entry = found; entry != NULL; entry = entry->ai_next) {
            if (getnameinfo(entry->ai_addr, entry->ai_addrlen, host, sizeof host, NULL, 0,
                            NI_NUMERICHOST) != 0)
                continue;
            snprintf(address, sizeof address, i == 0 ? "tcp://%s:%u" : "tcp://[%s]:%u", host,
                     part->port);
            add(instances, address);
        }
        freeaddrinfo(found);
    }
}

/* A list that check.h has let pass. */
static void find(const char *text, struct instances *instances_r) {
    struct peers_list list;
    char reason[PEERS_REASON_BYTES];
    instances_r->count = 0;
    if (!peers_list_read(text, &list, reason))
        return;
    for (size_t i = 0; i < list.count; i++)
        add_part(instances_r, &list.parts[i]);
}

void instances_find(const struct ctl_settings *settings, enum instance_service service,
                    struct instances *instances_r) {
    const struct ctl_peers *peers = &settings->peers;
    const char *const lists[] = {peers->auth_peers,     peers->group_peers, peers->session_peers,
                                 peers->delivery_peers, peers->files_peers, peers->hooks_peers,
                                 peers->gateway_peers};
    const uint64_t ports[] = {peers->auth_port,     peers->group_port, peers->session_port,
                              peers->delivery_port, peers->files_port, peers->hooks_port,
                              peers->gateway_port};
    char address[INSTANCE_ADDRESS_BYTES];
    snprintf(address, sizeof address, "tcp://127.0.0.1:%u", (unsigned)ports[service]);
    find(lists[service][0] == '\0' ? address : lists[service], instances_r);
}

static bool have_one_in_common(const struct instances *some, const struct instances *others) {
    for (size_t i = 0; i < some->count; i++)
        for (size_t j = 0; j < others->count; j++)
            if (strcmp(some->addresses[i], others->addresses[j]) == 0)
                return true;
    return false;
}

static struct caller *reach(const struct ctl_settings *settings, const char *program,
                            const char *address) {
    struct caller *caller = caller_new(address, settings->keys, program);
    if (caller == NULL)
        ctl_fail("cannot reach %s: %s", address,
                 errno == ENOENT ? "no key of that service is trusted" : strerror(errno));
    return caller;
}

struct caller *instance_caller(const struct ctl_settings *settings, enum instance_service service,
                               const char *address) {
    return reach(settings, instance_service_name(service), address);
}

/* NULL: nothing says whose address it is. */
static const char *program_at(const struct ctl_settings *settings, const char *address) {
    /* A service asks itself, and no other. */
    if (settings->key_of != NULL && strcmp(settings->key_of, "parleyctl") != 0)
        return settings->key_of;
    struct instances asked, instances;
    find(address, &asked);
    for (int service = 0; service < INSTANCE_SERVICES; service++) {
        instances_find(settings, (enum instance_service)service, &instances);
        if (have_one_in_common(&asked, &instances))
            return instance_service_name((enum instance_service)service);
    }
    return NULL;
}

struct caller *instance_caller_at(const struct ctl_settings *settings, const char *address) {
    return reach(settings, program_at(settings, address), address);
}

bool instance_is_ready(struct caller *caller, int64_t timeout_ms) {
    const struct service_ping ping = {0};
    int64_t deadline_ms = loop_now_ms() + timeout_ms, left_ms;
    struct service_pong pong = {0};
    while (!pong.ready && (left_ms = deadline_ms - loop_now_ms()) > 0) {
        struct record_arena arena = {0};
        enum err err =
            caller_ask(caller, &message_SERVICE_PING, &ping, (uint64_t)left_ms, &arena, &pong);
        pong.ready = err == ERR_OK && pong.ready;
        record_arena_free(&arena);
        if (!pong.ready && loop_now_ms() < deadline_ms)
            nanosleep(&(struct timespec){.tv_nsec = AGAIN_MS * 1000000}, NULL);
    }
    return pong.ready;
}

int instances_ask(const struct ctl_settings *settings, enum instance_service service,
                  const struct message_desc *message, const void *body, struct record_arena *arena,
                  void *reply_r) {
    struct instances instances;
    struct caller *caller = NULL;
    instances_find(settings, service, &instances);
    for (size_t i = 0; i < instances.count && caller == NULL; i++) {
        caller = instance_caller(settings, service, instances.addresses[i]);
        if (caller == NULL)
            return CTL_FAILED;
        if (!instance_is_ready(caller, ctl_answer_ms(settings)))
            caller_destroy(&caller);
    }
    if (caller == NULL)
        return ctl_fail("no instance of %s is ready%s%s", instance_service_name(service),
                        instances.count > 0 ? ", asked " : "",
                        instances.count > 0 ? instances.addresses[0] : "");
    int status = CTL_DONE;
    if (caller_ask(caller, message, body, settings->peers.request_timeout_ms, arena, reply_r) !=
        ERR_OK)
        status = ctl_fail("%s", caller_fault(caller));
    caller_destroy(&caller);
    return status;
}
