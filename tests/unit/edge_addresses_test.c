/* Sockets and connections of each address: counted apart, and forgotten when there are none. */
#include "services/gateway/edge/addresses.h"
#include "tests/support/test_list.h"

#define MAX 3

static struct edge_address *admitted(struct edge_addresses *all, const char *host) {
    struct edge_address *address;
    assert_true(edge_addresses_admit(all, host, &address));
    return address;
}

TEST(connections_of_an_address_end_at_the_limit) {
    struct edge_addresses all = {.max = MAX};
    struct edge_address *one = admitted(&all, "192.0.2.7"), *other;
    for (int i = 0; i < MAX; i++) {
        assert_false(edge_address_is_full(&all, one));
        edge_address_connect(one);
    }
    assert_true(edge_address_is_full(&all, one));
    other = admitted(&all, "::ffff:192.0.2.7");
    assert_ptr_equal(other, one);
    edge_addresses_release(&all, other);
    other = admitted(&all, "192.0.2.8");
    assert_false(edge_address_is_full(&all, other));
    edge_addresses_release(&all, other);
    edge_address_disconnect(&all, one);
    assert_false(edge_address_is_full(&all, one));
    edge_addresses_release(&all, one); /* its connections remain */
    assert_non_null(all.all);
    edge_address_disconnect(&all, one);
    edge_address_disconnect(&all, one);
    assert_null(all.all);
}

TEST(sockets_that_are_no_connections_have_a_limit_too) {
    struct edge_addresses all = {.max = MAX};
    struct edge_address *one = NULL, *none;
    for (int i = 0; i < MAX + EDGE_ADDRESS_SPARE_SOCKETS; i++)
        one = admitted(&all, i % 2 ? "2001:db8::1" : "2001:db8::2");
    assert_false(edge_address_is_full(&all, one));
    assert_false(edge_addresses_admit(&all, "2001:db8::3", &none));
    assert_null(none);
    struct edge_address *other = admitted(&all, "2001:db8:0:1::3");
    edge_addresses_release(&all, other);
    edge_addresses_release(&all, one);
    assert_ptr_equal(admitted(&all, "2001:db8::4"), one);
    for (int i = 0; i < MAX + EDGE_ADDRESS_SPARE_SOCKETS; i++)
        edge_addresses_release(&all, one);
    assert_null(all.all);
}

TEST(without_a_limit_or_an_address_nothing_is_counted) {
    struct edge_addresses none = {.max = 0}, all = {.max = MAX};
    assert_null(admitted(&none, "192.0.2.7"));
    assert_null(admitted(&all, "?"));
    assert_false(edge_address_is_full(&all, NULL));
    edge_address_connect(NULL);
    edge_address_disconnect(&all, NULL);
    edge_addresses_release(&all, NULL);
    assert_null(all.all);
}

int main(void) { return test_run_all(NULL, NULL); }
