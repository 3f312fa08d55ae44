/*
 * The session's record of its callers: links, silence, limits. The test sets the time.
 */
#include "services/session/gateway_instances.h"
#include "tests/support/test_list.h"

#include <stdio.h>

static struct gateway_instances *make(void) {
    struct gateway_instances *gateways = gateway_instances_new();
    assert_non_null(gateways);
    return gateways;
}

static struct gateway_instance *hear(struct gateway_instances *gateways, const char *id,
                                     int64_t now_ms) {
    return gateway_instances_hear_binding(gateways, slice_text(id), now_ms);
}

TEST(a_gateway_keeps_its_record) {
    struct gateway_instances *gateways = make();
    assert_null(gateway_instances_hear(gateways, slice_text("a"), 1000));
    uint64_t link = gateway_instances_link(gateways, slice_text("a"));
    struct gateway_instance *a = hear(gateways, "a", 1000), *ab = hear(gateways, "ab", 1000);
    assert_non_null(a);
    assert_true(ab != a && a->link != 0 && ab->link != 0 && a->link != ab->link);
    assert_int_equal(a->link, link);
    assert_ptr_equal(hear(gateways, "a", 1001), a);
    assert_ptr_equal(gateway_instances_hear(gateways, slice_text("ab"), 1001), ab);
    assert_ptr_equal(gateway_instances_at(gateways, ab->index), ab);
    assert_null(gateway_instances_at(gateways, GATEWAY_INSTANCES_SLOTS - 1));
    gateway_instances_destroy(&gateways);
    assert_null(gateways);
}

TEST(an_id_has_to_fit) {
    struct gateway_instances *gateways = make();
    char id[SERVICE_CALLER_BYTES + 1] = {0}; /* bytes, not text: zeros count */
    assert_null(gateway_instances_hear_binding(gateways, slice_make(id, 0), 1000));
    assert_null(gateway_instances_hear_binding(gateways, slice_make(id, sizeof id), 1000));
    struct gateway_instance *longest =
        gateway_instances_hear_binding(gateways, slice_make(id, sizeof id - 1), 1000);
    assert_non_null(longest);
    assert_true(gateway_instances_hear_binding(gateways, slice_make(id, sizeof id - 2), 1000) !=
                longest);
    gateway_instances_destroy(&gateways);
}

TEST(a_silent_gateway_is_dropped_and_gets_another_link) {
    struct gateway_instances *gateways = make();
    struct gateway_instance *a = hear(gateways, "a", 1000), *b = hear(gateways, "b", 1500);
    uint64_t link = a->link;
    a->seq = 5;
    assert_null(gateway_instances_silent(gateways, 1000));
    assert_ptr_equal(gateway_instances_silent(gateways, 1001), a);
    gateway_instances_drop(gateways, a);
    assert_int_equal(gateway_instances_count(gateways), 1);
    assert_null(gateway_instances_silent(gateways, 1001));
    a = gateway_instances_hear(gateways, slice_text("a"), 2000);
    assert_true(a->link != link && a->seq == 0 && !a->binds && a->dropped);
    assert_ptr_equal(gateway_instances_silent(gateways, 1501), b);
    link = a->link;
    assert_ptr_equal(hear(gateways, "a", 2001), a);
    assert_true(a->link == link && a->binds && a->dropped);
    gateway_instances_destroy(&gateways);
}

TEST(time_in_which_nobody_listened_is_excused) {
    struct gateway_instances *gateways = make();
    struct gateway_instance *a = hear(gateways, "a", 1000);
    gateway_instances_excuse(gateways, 500);
    assert_null(gateway_instances_silent(gateways, 1500));
    assert_ptr_equal(gateway_instances_silent(gateways, 1501), a);
    gateway_instances_destroy(&gateways);
}

static struct gateway_instance *bind_numbered(struct gateway_instances *gateways, int number) {
    char id[32];
    snprintf(id, sizeof id, "gateway-%d", number);
    return hear(gateways, id, 1000 + number);
}

TEST(limits_hold) {
    struct gateway_instances *gateways = make();
    struct gateway_instance *first = bind_numbered(gateways, 0);
    uint64_t link = first->link;
    for (int i = 1; i < GATEWAY_INSTANCES_MAX; i++)
        assert_non_null(bind_numbered(gateways, i));
    assert_null(hear(gateways, "another", 1000));
    assert_int_equal(gateway_instances_count(gateways), GATEWAY_INSTANCES_MAX);
    assert_ptr_equal(bind_numbered(gateways, 0), first);
    gateway_instances_drop(gateways, first);
    /* As many more are added and dropped as there are records; then the first one's is used. */
    for (int i = GATEWAY_INSTANCES_MAX; i < GATEWAY_INSTANCES_SLOTS; i++) {
        struct gateway_instance *other = bind_numbered(gateways, i);
        assert_true(other != NULL && other != first);
        gateway_instances_drop(gateways, other);
    }
    struct gateway_instance *another = hear(gateways, "another", 5000);
    assert_ptr_equal(another, first);
    assert_false(another->dropped);
    assert_int_equal(gateway_instances_count(gateways), GATEWAY_INSTANCES_MAX);
    assert_null(bind_numbered(gateways, 0));
    assert_int_not_equal(gateway_instances_link(gateways, slice_text("gateway-0")), link);
    gateway_instances_destroy(&gateways);
}

int main(void) { return test_run_all(NULL, NULL); }
