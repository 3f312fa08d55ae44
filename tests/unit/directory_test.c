/*
 * The session's directory: a bound connection is found, also while it grows, shrinks and is full;
 * and a long random run against a model that is an array.
 */
#include "services/session/directory.h"
#include "tests/support/test_list.h"

#include <stdlib.h>

#define GATEWAYS 4
#define MANY 300000

static struct directory *make(size_t max) {
    struct directory *directory = directory_new(max, GATEWAYS);
    assert_non_null(directory);
    return directory;
}

static bool has(const struct directory *directory, uint64_t account, uint16_t gateway,
                uint64_t connection) {
    size_t found = 0;
    for (const struct binding *b = directory_first(directory, account); b != NULL;
         b = directory_next(directory, b)) {
        assert_int_equal(b->account, account);
        found += b->gateway == gateway && b->connection == connection;
    }
    assert_true(found <= 1);
    return found == 1;
}

static size_t count_of(const struct directory *directory, uint64_t account) {
    size_t count = 0;
    for (const struct binding *b = directory_first(directory, account); b != NULL;
         b = directory_next(directory, b))
        count++;
    return count;
}

TEST(bound_connections_are_found) {
    struct directory *directory = make(10);
    assert_null(directory_first(directory, 1001));
    assert_int_equal(directory_bind(directory, 1001, 0, 7), ERR_OK);
    assert_int_equal(directory_bind(directory, 1001, 0, 7), ERR_OK);
    assert_int_equal(directory_count(directory), 1);
    assert_int_equal(count_of(directory, 1001), 1);
    assert_true(has(directory, 1001, 0, 7));
    assert_null(directory_first(directory, 1002));
    directory_destroy(&directory);
    assert_null(directory);
}

TEST(numbers_of_connections_are_per_gateway) {
    struct directory *directory = make(10);
    assert_int_equal(directory_bind(directory, 1001, 0, 7), ERR_OK);
    assert_int_equal(directory_bind(directory, 1002, 1, 7), ERR_OK);
    assert_int_equal(directory_bind(directory, 1001, 2, 7), ERR_OK);
    assert_int_equal(directory_count(directory), 3);
    assert_true(has(directory, 1001, 0, 7) && has(directory, 1002, 1, 7));
    assert_true(has(directory, 1001, 2, 7));
    directory_destroy(&directory);
}

TEST(unbinding_leaves_the_others) {
    /* The list's head, middle and end, whichever way it grows. */
    for (uint64_t gone = 1; gone <= 3; gone++) {
        struct directory *directory = make(10);
        for (uint64_t connection = 1; connection <= 3; connection++)
            assert_int_equal(directory_bind(directory, 1001, 0, connection), ERR_OK);
        assert_true(directory_unbind(directory, 1001, 0, gone));
        assert_false(directory_unbind(directory, 1001, 0, gone));
        for (uint64_t connection = 1; connection <= 3; connection++)
            assert_int_equal(has(directory, 1001, 0, connection), connection != gone);
        assert_int_equal(directory_count(directory), 2);
        directory_destroy(&directory);
    }
}

TEST(only_its_own_account_unbinds_a_connection) {
    struct directory *directory = make(10);
    assert_int_equal(directory_bind(directory, 1001, 0, 7), ERR_OK);
    assert_false(directory_unbind(directory, 1002, 0, 7));
    assert_false(directory_unbind(directory, 1001, 1, 7));
    assert_false(directory_unbind(directory, 1001, 0, 8));
    assert_true(has(directory, 1001, 0, 7));
    directory_destroy(&directory);
}

TEST(a_connection_goes_over_to_another_account) {
    struct directory *directory = make(1);
    assert_int_equal(directory_bind(directory, 1001, 0, 7), ERR_OK);
    assert_int_equal(directory_bind(directory, 1002, 0, 7), ERR_OK);
    assert_null(directory_first(directory, 1001));
    assert_true(has(directory, 1002, 0, 7));
    assert_int_equal(directory_count(directory), 1);
    directory_destroy(&directory);
}

TEST(the_limit_of_all_holds) {
    struct directory *directory = make(100);
    for (uint64_t i = 1; i <= 100; i++)
        assert_int_equal(directory_bind(directory, i, 0, i), ERR_OK);
    assert_int_equal(directory_bind(directory, 101, 0, 101), ERR_TOO_MANY);
    assert_null(directory_first(directory, 101));
    assert_int_equal(directory_bind(directory, 50, 0, 50), ERR_OK);
    assert_true(directory_unbind(directory, 50, 0, 50));
    assert_int_equal(directory_bind(directory, 101, 0, 101), ERR_OK);
    assert_int_equal(directory_count(directory), 100);
    directory_destroy(&directory);
}

TEST(the_limit_of_an_account_holds) {
    struct directory *directory = make(1000);
    for (uint64_t i = 1; i <= DIRECTORY_MAX_PER_ACCOUNT; i++)
        assert_int_equal(directory_bind(directory, 1001, (uint16_t)(i % GATEWAYS), i), ERR_OK);
    assert_int_equal(directory_bind(directory, 1001, 0, 1000), ERR_TOO_MANY);
    assert_int_equal(directory_bind(directory, 1001, 1, 1), ERR_OK);

    /* A connection that is bound anew leaves its old account even where the new one has no room. */
    assert_int_equal(directory_bind(directory, 1002, 0, 1000), ERR_OK);
    assert_int_equal(directory_bind(directory, 1001, 0, 1000), ERR_TOO_MANY);
    assert_null(directory_first(directory, 1002));
    assert_int_equal(count_of(directory, 1001), DIRECTORY_MAX_PER_ACCOUNT);
    directory_destroy(&directory);
}

TEST(dropping_a_gateway_takes_all_of_its_connections) {
    struct directory *directory = make(1000);
    for (uint64_t i = 1; i <= 300; i++)
        assert_int_equal(directory_bind(directory, i / 2 + 1, (uint16_t)(i % 3), i), ERR_OK);
    assert_int_equal(directory_drop_gateway(directory, 1, false, NULL, NULL), 100);
    assert_int_equal(directory_drop_gateway(directory, 1, false, NULL, NULL), 0);
    assert_int_equal(directory_drop_gateway(directory, 3, false, NULL, NULL), 0);
    assert_int_equal(directory_count(directory), 200);
    for (uint64_t i = 1; i <= 300; i++)
        assert_int_equal(has(directory, i / 2 + 1, (uint16_t)(i % 3), i), i % 3 != 1);
    directory_destroy(&directory);
}

TEST(unconfirmed_connections_are_dropped_unless_bound_again) {
    struct directory *directory = make(10);
    for (uint64_t connection = 1; connection <= 3; connection++)
        assert_int_equal(directory_bind(directory, 1000 + connection, 0, connection), ERR_OK);
    assert_int_equal(directory_bind(directory, 1001, 1, 1), ERR_OK);
    assert_int_equal(directory_drop_gateway(directory, 0, true, NULL, NULL), 0);
    directory_unconfirm(directory, 0);
    assert_int_equal(directory_bind(directory, 1002, 0, 2), ERR_OK);
    assert_int_equal(directory_bind(directory, 1004, 0, 4), ERR_OK);
    assert_int_equal(directory_drop_gateway(directory, 1, true, NULL, NULL), 0);
    assert_int_equal(directory_drop_gateway(directory, 0, true, NULL, NULL), 2);
    assert_true(has(directory, 1002, 0, 2) && !directory_first(directory, 1002)->unconfirmed);
    assert_true(has(directory, 1004, 0, 4));
    assert_true(has(directory, 1001, 1, 1));
    assert_int_equal(directory_count(directory), 3);
    assert_int_equal(directory_drop_gateway(directory, 0, true, NULL, NULL), 0);
    directory_destroy(&directory);
}

TEST(it_holds_many) {
    struct directory *directory = make(MANY);
    for (int round = 0; round < 2; round++) { /* the second in memory that was used before */
        for (uint64_t i = 1; i <= MANY; i++)
            assert_int_equal(directory_bind(directory, i, (uint16_t)(i % GATEWAYS), i << 20),
                             ERR_OK);
        assert_int_equal(directory_bind(directory, MANY + 1, 0, 1), ERR_TOO_MANY);
        for (uint64_t i = 1; i <= MANY; i++)
            assert_true(has(directory, i, (uint16_t)(i % GATEWAYS), i << 20));
        for (uint64_t i = 1; i <= MANY; i += 2)
            assert_true(directory_unbind(directory, i, (uint16_t)(i % GATEWAYS), i << 20));
        for (uint64_t i = 1; i <= MANY; i++)
            assert_int_equal(count_of(directory, i), i % 2 == 0);
        for (uint16_t gateway = 0; gateway < GATEWAYS; gateway++)
            directory_drop_gateway(directory, gateway, false, NULL, NULL);
        assert_int_equal(directory_count(directory), 0);
    }
    directory_destroy(&directory);
}

/* --- against a model ----------------------------------------------------------------------- */

#define CONNECTIONS 100
#define ACCOUNTS 12
#define MODEL_MAX 250
#define STEPS 200000

struct model {
    uint64_t owner[GATEWAYS][CONNECTIONS]; /* 0: not bound */
    size_t of_account[ACCOUNTS + 1];
    size_t count;
};

static void model_unbind(struct model *model, size_t gateway, size_t connection) {
    model->of_account[model->owner[gateway][connection]]--;
    model->owner[gateway][connection] = 0;
    model->count--;
}

static enum err model_bind(struct model *model, uint64_t account, size_t gateway,
                           size_t connection) {
    if (model->owner[gateway][connection] == account)
        return ERR_OK;
    if (model->owner[gateway][connection] != 0)
        model_unbind(model, gateway, connection);
    if (model->count == MODEL_MAX || model->of_account[account] == DIRECTORY_MAX_PER_ACCOUNT)
        return ERR_TOO_MANY;
    model->owner[gateway][connection] = account;
    model->of_account[account]++;
    model->count++;
    return ERR_OK;
}

static size_t model_drop(struct model *model, size_t gateway) {
    size_t dropped = 0;
    for (size_t i = 0; i < CONNECTIONS; i++)
        if (model->owner[gateway][i] != 0) {
            model_unbind(model, gateway, i);
            dropped++;
        }
    return dropped;
}

static void compare(const struct model *model, const struct directory *directory) {
    assert_int_equal(directory_count(directory), model->count);
    for (uint64_t account = 1; account <= ACCOUNTS; account++)
        assert_int_equal(count_of(directory, account), model->of_account[account]);
    for (uint16_t gateway = 0; gateway < GATEWAYS; gateway++)
        for (size_t i = 0; i < CONNECTIONS; i++)
            if (model->owner[gateway][i] != 0)
                assert_true(has(directory, model->owner[gateway][i], gateway, i));
}

TEST(it_does_as_the_model_does) {
    static struct model model;
    struct directory *directory = make(MODEL_MAX);
    unsigned refused = 0;
    srandom(20261122);
    for (int step = 0; step < STEPS; step++) {
        uint16_t gateway = (uint16_t)(random() % GATEWAYS);
        size_t connection = (size_t)random() % CONNECTIONS;
        /* Account 1 is drawn often, so that it runs into its limit. */
        uint64_t account = 1 + (uint64_t)(random() % ACCOUNTS * random() % ACCOUNTS);
        long what = random() % 1000;
        if (what < 600) {
            enum err err = model_bind(&model, account, gateway, connection);
            refused += err != ERR_OK;
            assert_int_equal(directory_bind(directory, account, gateway, connection), err);
        } else if (what < 999) {
            bool bound = model.owner[gateway][connection] == account;
            assert_int_equal(directory_unbind(directory, account, gateway, connection), bound);
            if (bound)
                model_unbind(&model, gateway, connection);
        } else {
            size_t dropped = model_drop(&model, gateway);
            assert_int_equal(directory_drop_gateway(directory, gateway, false, NULL, NULL),
                             dropped);
        }
        if (step % 100 == 0)
            compare(&model, directory);
    }
    compare(&model, directory);
    assert_true(refused > 100);
    directory_destroy(&directory);
}

int main(void) { return test_run_all(NULL, NULL); }
