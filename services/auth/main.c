/*
 * parley-auth: registers accounts, checks logins, resolves string ids to numbers.
 */
#include "common/log.h"
#include "services/api_keys/api_keys.h"
#include "services/auth/auth.h"
#include "services/auth/expired.h"
#include "services/auth/vouched.h"
#include "services/schema/schema.h"

static const struct config_option options[] = {
    CONFIG_INCLUDE(struct auth_settings, service, service_options),
    CONFIG_INCLUDE(struct auth_settings, db, db_options),
    CONFIG_U64(struct auth_settings, auth_port, 7101, 1, 65535, "port", "where auth listens"),
    CONFIG_U64(struct auth_settings, auth_metrics_port, 7111, 0, 65535, "port",
               "where auth serves /metrics, /healthz and /readyz over HTTP; 0: nowhere"),
    CONFIG_U64(struct auth_settings, password_ops, 2, 1, 1000, "",
               "Argon2id's passes over the memory for a password"),
    CONFIG_U64(struct auth_settings, password_memory_kib, 65536, 8, 4194304, "KiB",
               "Argon2id's memory for a password, once for each of password_hashers"),
    /*
     * limit: service | requests that wait for a password's hash (auth) | by time, too: some 900 for
     * logins that wait 30 s, where a hash takes 65 ms {POOL_QUEUE:} {password_hashers:} |
     * `overloaded`, at once; nothing else waits behind them
     */
    CONFIG_U64(struct auth_settings, password_hashers, 2, 1, DB_MAX_CONNECTIONS, "threads",
               "threads that hash passwords, each with a connection beside db_connections; as many "
               "as auth may use cores"),
    /*
     * limit: client | a login's token | {token_days} days; resumed in the second half of them, 30
     * days again | void
     */
    CONFIG_U64(struct auth_settings, token_days, 30, 1, 3650, "days",
               "how long a login's token is valid"),
    /* limit: client | failed logins of one account from one address; of one account from all
       addresses that it has not logged in from; of one address (IPv6: its /64),
       which counts wrong registration tokens and API keys, too |
       {login_failures}; {login_failures_per_account}; {login_failures_per_address} a minute, for
       each instance of auth | `throttled` without a look at the password; never by what happens at
       other addresses where the account has logged in from this one; one that was not counted is
       never refused: a good token, an API key that was good lately */
    CONFIG_U64(struct auth_settings, login_failures, 10, 0, 1000000, "per minute",
               "failed logins of one account from one address after which further ones are refused "
               "there; 0: no limit"),
    CONFIG_U64(struct auth_settings, login_failures_per_account, 100, 0, 1000000, "per minute",
               "failed logins of one account from all addresses that it has not logged in from, "
               "after which further ones from such addresses are refused; 0: no limit"),
    CONFIG_U64(
        struct auth_settings, login_failures_per_address, 100, 0, 1000000, "per minute",
        "failed logins from one address, an IPv6 address with its /64, after which it may "
        "try one account or API key in a second, and those that have logged in from there or "
        "were good lately; 0 where a proxy hides the clients' addresses"),
    OPTION_REGISTRATION(struct auth_settings),
    CONFIG_BOOL(struct auth_settings, youim_open_login, true,
                "let YouIM clients log in to accounts without a password by their id alone"),
    CONFIG_INCLUDE(struct auth_settings, vouched, vouched_options), CONFIG_END};

static const struct service_handler handlers[] = {
    {&message_AUTH_REGISTER, .first = auth_begin_register, .costly = auth_end_register},
    {&message_AUTH_ADD, .first = auth_begin_add, .costly = auth_end_register},
    {&message_AUTH_MAKE_REGISTRATION_TOKEN, .pool = auth_handle_make_registration_token},
    {&message_AUTH_REVOKE_REGISTRATION_TOKEN, .pool = auth_handle_revoke_registration_token},
    {&message_AUTH_SHOW, .pool = auth_handle_show},
    {&message_AUTH_LIST, .pool = auth_handle_list},
    {&message_AUTH_MAKE_LOGIN, .pool = auth_handle_make_login},
    {&message_AUTH_MAKE_API_KEY, .pool = auth_handle_make_api_key},
    {&message_AUTH_REMOVE_API_KEY, .pool = auth_handle_remove_api_key},
    {&message_AUTH_FIND_API_KEY, .pool = auth_handle_find_api_key},
    {&message_AUTH_ADMIT, .pool = auth_handle_admit},
    {&message_AUTH_LOGIN, .first = auth_begin_login, .costly = auth_end_login,
     .costly_pool = auth_login_pool},
    {&message_AUTH_ENTER, .first = auth_begin_enter, .costly = auth_end_enter,
     .costly_pool = auth_enter_pool},
    {&message_AUTH_RESUME, .first = auth_begin_resume, .costly = auth_end_resume,
     .costly_pool = auth_enter_pool},
    {&message_AUTH_LOGOUT, .pool = auth_handle_logout},
    {&message_AUTH_DEVICES, .pool = auth_handle_devices},
    {&message_AUTH_END_DEVICE, .pool = auth_handle_end_device},
    {&message_AUTH_LIST_AUDIT, .pool = auth_handle_list_audit},
    {&message_AUTH_AUDIT, .pool = auth_handle_audit},
    {&message_AUTH_RESOLVE, .pool = auth_handle_resolve},
    {&message_AUTH_SET_PASSWORD, .first = auth_begin_set_password, .costly = auth_end_set_password},
    {&message_AUTH_FORGET, .first = auth_begin_forget, .costly = auth_end_forget},
    {&message_AUTH_REMOVE, .pool = auth_handle_remove},
    {&message_AUTH_SET_DISABLED, .pool = auth_handle_set_disabled},
};

static int read_jwt_keys(struct auth *auth) {
    const char *path = auth->settings.vouched.jwt_keys;
    char fault[JWT_KEYS_FAULT_BYTES];
    if (path[0] == '\0')
        return 0;
    auth->jwt_keys = jwt_keys_new(path, fault);
    if (auth->jwt_keys == NULL)
        log_error("start_failed", "reason=\"jwt_keys=%s: %s\"", path, fault);
    return auth->jwt_keys == NULL ? -1 : 0;
}

/* The pools for costly work, in the order of enum auth_pool. */
static int use_costly_pools(struct service *service, struct auth *auth) {
    const struct auth_settings *settings = &auth->settings;
    const struct callback_settings *callback = &settings->vouched.callback;
    if (service_use_costly_pool(service, "hashes", &settings->db, settings->password_hashers,
                                auth->passwords.first_us) != 0)
        return -1;
    return auth->callback == NULL
               ? 0
               : service_use_costly_pool(service, "callbacks", &settings->db,
                                         callback->auth_url_connections, CALLBACK_EXPECTED_US);
}

static int start(struct service *service, void *context) {
    struct auth *auth = context;
    const struct auth_settings *settings = &auth->settings;
    if (passwords_prepare(&auth->passwords, settings->password_ops,
                          settings->password_memory_kib) != 0) {
        log_error("start_failed", "reason=\"cannot hash a password with password_memory_kib=%llu\"",
                  (unsigned long long)settings->password_memory_kib);
        return -1;
    }
    if (read_jwt_keys(auth) != 0 ||
        callback_new(&settings->vouched.callback, service_metrics(service), &auth->callback) != 0)
        return -1;
    auth->throttle = throttle_new(
        &(struct throttle_limits){.per_account_and_address = settings->login_failures,
                                  .per_account = settings->login_failures_per_account,
                                  .per_address = settings->login_failures_per_address});
    if (auth->throttle == NULL) {
        log_error("start_failed", "reason=\"out of memory\"");
        return -1;
    }
    auth->passwords.seconds =
        metrics_histogram(service_metrics(service), "password_hash_seconds", "", HISTOGRAM_SECONDS,
                          "Time of hashing a password, at a registration or a login.");
    if (settings->youim_open_login)
        log_info("open_logins",
                 "youim_open_login=true note=\"anybody can log in to accounts without "
                 "a password; youim_open_login=false refuses that\"");
    if (service_use_pool(service, &settings->db, schema_check) != 0)
        return -1;
    auth->expired = expired_new(service);
    if (auth->expired == NULL) {
        log_error("start_failed", "reason=\"out of memory\"");
        return -1;
    }
    return use_costly_pools(service, auth);
}

static void finish(void *context) {
    struct auth *auth = context;
    expired_destroy(&auth->expired);
    throttle_destroy(&auth->throttle);
    jwt_keys_destroy(&auth->jwt_keys);
    callback_destroy(&auth->callback);
}

int main(int argc, char **argv) {
    static struct audit_rate refusals;
    static struct auth auth = {.refusals = &refusals};
    const struct service_definition definition = {
        .name = "auth",
        .program = {"parley-auth", "accounts and logins", "", options},
        .settings = &auth.settings,
        .common = &auth.settings.service,
        .port = &auth.settings.auth_port,
        .metrics_port = &auth.settings.auth_metrics_port,
        .handlers = handlers,
        .handler_count = sizeof handlers / sizeof handlers[0],
        .context = &auth,
        .credentials = &api_keys,
        .start = start,
        .finish = finish,
    };
    return service_main(&definition, argc, argv);
}
