/* See peers_fixture.h. */
#include "tests/support/peers_fixture.h"

void node_send(struct node *node, const void *bytes, size_t length) {
    zframe_t *caller = zframe_dup(node->caller);
    assert_int_equal(zframe_send(&caller, node->router, ZFRAME_MORE), 0);
    assert_true(zmq_send(zsock_resolve(node->router), bytes, length, 0) >= 0);
}

void node_send_envelope(struct node *node, enum envelope_kind kind, uint64_t id, const char *name,
                        const struct record_desc *desc, const void *body) {
    struct buffer out = buffer_make(4096);
    envelope_pack(kind, id, name, desc, body, &out);
    assert_false(out.failed);
    node_send(node, out.data, out.length);
    buffer_free(&out);
}

void node_answer(struct node *node, size_t index) {
    assert_true(index < node->asked_count);
    struct number reply = {node->asked[index].number * 10};
    node_send_envelope(node, ENVELOPE_REPLY, node->asked[index].id, message_TEST_ASK.name,
                       &number_desc, &reply);
}

void node_tell(struct node *node, uint64_t number) {
    node_send_envelope(node, ENVELOPE_EVENT, 0, message_TEST_EVENT.name, &number_desc,
                       &(struct number){number});
}

static void node_take(struct node *node, struct slice frame) {
    struct envelope envelope;
    struct record_arena arena = {.ready = false};
    struct number number;
    const char *fault;
    assert_int_equal(envelope_unpack(frame, &envelope), 0);
    assert_int_equal(envelope.kind, ENVELOPE_REQUEST);
    if (slice_equal(envelope.name, slice_text(message_SERVICE_PING.name))) {
        assert_int_equal(envelope.id, 0);
        node->pings++;
        if (!node->silent)
            node_send_envelope(node, ENVELOPE_REPLY, 0, message_SERVICE_PING.name,
                               &service_pong_desc, &node->pong);
        return;
    }
    assert_true(slice_equal(envelope.name, slice_text(message_TEST_ASK.name)));
    assert_int_equal(record_unpack(&number_desc, envelope.body, &arena, &number, &fault), 0);
    assert_true(node->asked_count < MAX_ASKED);
    node->asked[node->asked_count].id = envelope.id;
    node->asked[node->asked_count++].number = number.number;
    record_arena_free(&arena);
}

void node_input(void *argument, void *socket) {
    struct node *node = argument;
    (void)socket;
    for (int i = 0; i < 1000 && (zsock_events(node->router) & ZMQ_POLLIN) != 0; i++) {
        zframe_destroy(&node->caller);
        node->caller = zframe_recv(node->router);
        zframe_t *frame = zframe_recv(node->router);
        node_take(node, slice_make((const char *)zframe_data(frame), zframe_size(frame)));
        zframe_destroy(&frame);
    }
}

void node_open(struct node *node) {
    int64_t deadline_ms = loop_now_ms() + TEST_DEADLINE_MS;
    node->router = zsock_new(ZMQ_ROUTER);
    assert_non_null(node->router);
    zsock_set_router_handover(node->router, 1);
    zsock_set_linger(node->router, 0);
    zsock_set_unbounded(node->router);
    while (zsock_bind(node->router, "tcp://127.0.0.1:%d", node->port) < 0) {
        if (errno != EADDRINUSE || loop_now_ms() > deadline_ms)
            fail_msg("cannot listen on port %d: %s", node->port, zmq_strerror(errno));
    }
    node->input = loop_socket_new(node->ev, zsock_resolve(node->router), node_input, node);
    assert_non_null(node->input);
}

void node_close(struct node *node) {
    loop_socket_destroy(&node->input);
    zsock_destroy(&node->router);
    zframe_destroy(&node->caller);
    node->asked_count = 0;
}

struct node *node_new(struct fixture *f) {
    assert_true(f->node_count < MAX_NODES);
    struct node *node = calloc(1, sizeof *node);
    assert_non_null(node);
    node->ev = f->ev;
    node->port = test_free_port();
    node->pong = (struct service_pong){.instance = 100 + f->node_count, .ready = true, .link = 1};
    f->nodes[f->node_count++] = node;
    node_open(node);
    return node;
}

const char *node_address(const struct node *node) {
    return test_text("tcp://127.0.0.1:%d", node->port);
}

static void changed(void *context, struct peer *peer, enum peer_change change) {
    static const char letters[] = {[PEER_LIVE] = '+', [PEER_LOST] = '-', [PEER_RELINKED] = '~'};
    struct fixture *f = context;
    assert_int_equal(peer_is_live(peer), change != PEER_LOST);
    assert_true(change != PEER_LOST || peer_pending(peer) == 0);
    f->changed[strlen(f->changed)] = letters[change];
    f->changes[change]++;
}

static void ponged(void *context, struct peer *peer, const struct service_pong *pong) {
    struct fixture *f = context;
    assert_true(peer_is_live(peer));
    assert_true(pong->ready);
    f->pongs++;
}

static void took_event(void *context, struct peer *peer, const void *body) {
    struct fixture *f = context;
    (void)peer;
    f->events++;
    f->last_event = ((const struct number *)body)->number;
}

struct peers *peers_make(struct fixture *f, const char *addresses) {
    static const struct peers_event events[] = {{&message_TEST_EVENT, took_event}};
    return peers_new(&f->service, &(struct peers_options){.name = "node",
                                                          .addresses = addresses,
                                                          .events = events,
                                                          .event_count = 1,
                                                          .context = f,
                                                          .change = changed,
                                                          .pong = ponged});
}

void peers_start(struct fixture *f) {
    char addresses[1024] = "";
    for (size_t i = 0; i < f->node_count; i++)
        snprintf(addresses + strlen(addresses), sizeof addresses - strlen(addresses), "%s%s",
                 i == 0 ? "" : ",", node_address(f->nodes[i]));
    f->peers = peers_make(f, test_text("%s", addresses));
    assert_non_null(f->peers);
    WAIT_FOR(f, peers_live_count(f->peers) == f->node_count);
}

static void done(void *argument, enum err err, const void *reply, const char *text) {
    struct asking *asking = argument;
    struct fixture *f = asking->f;
    assert_int_equal(reply != NULL, err == ERR_OK);
    assert_true(f->outcome_count < MAX_ASKED);
    struct outcome *outcome = &f->outcomes[f->outcome_count++];
    *outcome = (struct outcome){.number = asking->number, .err = err};
    if (reply != NULL)
        outcome->reply = ((const struct number *)reply)->number;
    snprintf(outcome->text, sizeof outcome->text, "%s", text == NULL ? "" : text);
    free(asking); /* a second call would be a double free */
    if (f->ask_again > 0) {
        f->ask_again--;
        (void)!try_ask(f, peers_next(f->peers), outcome->number + 1000, 0);
    }
}

enum err try_ask(struct fixture *f, struct peer *peer, uint64_t number, uint64_t timeout_ms) {
    struct asking *asking = malloc(sizeof *asking);
    assert_non_null(asking);
    *asking = (struct asking){f, number};
    size_t before = f->outcome_count;
    enum err err = peers_ask(f->peers, peer,
                             &(struct peers_request){.message = &message_TEST_ASK,
                                                     .body = &(struct number){number},
                                                     .timeout_ms = timeout_ms,
                                                     .done = done,
                                                     .argument = asking});
    assert_int_equal(f->outcome_count, before); /* never from within */
    if (err != ERR_OK)
        free(asking);
    return err;
}

void ask(struct fixture *f, struct peer *peer, uint64_t number) {
    assert_err(try_ask(f, peer, number, 0), ERR_OK);
}

void assert_outcome(const struct fixture *f, size_t index, uint64_t number, enum err err) {
    assert_true(index < f->outcome_count);
    assert_int_equal(f->outcomes[index].number, number);
    assert_err(f->outcomes[index].err, err);
    assert_int_equal(f->outcomes[index].reply, err == ERR_OK ? number * 10 : 0);
}

int fixture_set_up(void **state) {
    static struct fixture fixture;
    zsys_handler_set(NULL);
    log_open("test", LOG_LEVEL_ERROR);
    struct fixture *f = *state = &fixture;
    *f = (struct fixture){.ev = ev_loop_new(EVFLAG_AUTO),
                          .settings = {.heartbeat_ms = 20,
                                       .peer_timeout_ms = LONG_MS,
                                       .request_timeout_ms = LONG_MS}};
    f->definition = (struct service_definition){.name = "test", .common = &f->settings};
    f->service = (struct service){
        .definition = &f->definition, .ev = f->ev, .metrics = metrics_new(), .instance = 7};
    assert_non_null(f->service.metrics);
    return f->ev == NULL ? -1 : 0;
}

int fixture_tear_down(void **state) {
    struct fixture *f = *state;
    f->ask_again = 0;
    peers_destroy(&f->peers);
    for (size_t i = 0; i < f->node_count; i++) {
        node_close(f->nodes[i]);
        free(f->nodes[i]);
    }
    metrics_destroy(&f->service.metrics);
    ev_loop_destroy(f->ev);
    return 0;
}
