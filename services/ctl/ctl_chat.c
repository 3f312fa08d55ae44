/* parleyctl chat: a client at the terminal. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "services/ctl/chat/chat.h"
#include "services/ctl/chat/password.h"
#include "services/ctl/check.h"

#define HOST_BYTES 256
#define PORT_BYTES 6
#define HTTP_BYTES (HOST_BYTES + 32)
#define DEFAULT_SERVER "127.0.0.1"
/* Certificates are for names, as a rule. */
#define DEFAULT_TLS_SERVER "localhost"

static bool has_scheme(const char *server, const char *scheme) {
    return strncmp(server, scheme, strlen(scheme)) == 0;
}

/* `ADDRESS`, `ADDRESS:PORT`, `[IPV6]:PORT`, or an IPv6 address alone. False: it is none of them. */
static bool cut_server(const char *server, uint64_t default_port, char host_r[HOST_BYTES],
                       char port_r[PORT_BYTES]) {
    const char *end = strrchr(server, ':'), *host = server;
    size_t length = strlen(server);
    if (server[0] == '[') {
        const char *close = strchr(server, ']');
        if (close == NULL || (close[1] != '\0' && close[1] != ':'))
            return false;
        host = server + 1;
        length = (size_t)(close - host);
        end = close[1] == ':' ? close + 1 : NULL;
    } else if (end != NULL && strchr(server, ':') == end) {
        length = (size_t)(end - server);
    } else {
        end = NULL; /* no colon, or those of IPv6 */
    }
    if (length == 0 || length >= HOST_BYTES || memchr(host, '/', length) != NULL)
        return false;
    snprintf(host_r, HOST_BYTES, "%.*s", (int)length, host);
    snprintf(port_r, PORT_BYTES, "%u", (unsigned)default_port);
    if (end == NULL)
        return true;
    size_t digits = strspn(end + 1, "0123456789");
    snprintf(port_r, PORT_BYTES, "%s", end + 1);
    return digits > 0 && digits < PORT_BYTES && end[1 + digits] == '\0';
}

/* The password that was given, or "". CTL_DONE, or CTL_FAILED after a printed line. */
static int find_password(const struct ctl_settings *settings,
                         char password_r[CHAT_PASSWORD_BYTES]) {
    static const char register_question[] = "Password of the new account (empty: none): ";
    snprintf(password_r, CHAT_PASSWORD_BYTES, "%s", settings->chat_password);
    if (strlen(settings->chat_password) >= CHAT_PASSWORD_BYTES)
        return ctl_fail("the password is longer than %d bytes", CHAT_PASSWORD_BYTES - 1);
    if (settings->password_file[0] != '\0' &&
        !chat_password_read(settings->password_file, password_r))
        return ctl_fail("%s cannot be read, or holds no password of at most %d bytes",
                        settings->password_file, CHAT_PASSWORD_BYTES - 1);
    /* Without a terminal the account gets none. */
    if (settings->registers && settings->password_file[0] == '\0' && password_r[0] == '\0' &&
        !chat_password_ask(register_question, password_r))
        password_r[0] = '\0';
    return CTL_DONE;
}

static int chat(const struct ctl_settings *settings, struct chat_options *options,
                char password[CHAT_PASSWORD_BYTES]) {
    char reason[CHAT_REASON_BYTES];
    enum chat_result result = chat_run(options, reason);
    if (result == CHAT_NEEDS_PASSWORD) {
        if (password[0] != '\0' || !chat_password_ask("Password: ", password))
            return ctl_fail("%s needs its password: give it as PARLEY_CHAT_PASSWORD or with"
                            " --password-file",
                            settings->as);
        result = chat_run(options, reason);
    }
    return result == CHAT_DONE ? CTL_DONE : ctl_fail("%s", reason);
}

/* Asked for, or all that this machine's server speaks. */
static bool wants_tls(const struct ctl_settings *settings) {
    return has_scheme(settings->server, "tls://") || settings->insecure ||
           settings->cacert[0] != '\0' || (settings->server[0] == '\0' && settings->tcp_port == 0);
}

static int find_server(const struct ctl_settings *settings, bool tls, char host_r[HOST_BYTES],
                       char port_r[PORT_BYTES]) {
    uint64_t port = tls ? settings->tls_tcp_port : settings->tcp_port;
    const char *server = tls ? DEFAULT_TLS_SERVER : DEFAULT_SERVER;
    if (settings->server[0] != '\0')
        server = settings->server;
    if (has_scheme(server, "tls://") || (!tls && has_scheme(server, "tcp://")))
        server += strlen("tls://");
    if (!cut_server(server, port, host_r, port_r)) {
        ctl_fail("--server must be ADDRESS or ADDRESS:PORT, with tls:// in front for TLS");
        return CTL_USAGE;
    }
    if (strcmp(port_r, "0") != 0)
        return CTL_DONE;
    ctl_fail("%s is 0: give --server ADDRESS:PORT", tls ? "tls_tcp_port" : "tcp_port");
    return CTL_USAGE;
}

/* Where files are: on the same host, at the port for HTTP. */
static void find_http(const struct ctl_settings *settings, bool tls, const char *host,
                      char http_r[HTTP_BYTES]) {
    bool ipv6 = strchr(host, ':') != NULL;
    if (settings->http[0] != '\0')
        snprintf(http_r, HTTP_BYTES, "%s", settings->http);
    else
        snprintf(http_r, HTTP_BYTES, "%s://%s%s%s:%u", tls ? "https" : "http", ipv6 ? "[" : "",
                 host, ipv6 ? "]" : "",
                 (unsigned)(tls ? settings->https_port : settings->http_port));
}

static int run_chat(const struct ctl_settings *settings, int argc, char **argv) {
    (void)argc;
    (void)argv;
    char host[HOST_BYTES], port[PORT_BYTES], server[HOST_BYTES + PORT_BYTES + 3];
    char password[CHAT_PASSWORD_BYTES], reason[CHAT_TLS_REASON_BYTES];
    bool tls = wants_tls(settings);
    if (check_id("--as", settings->as) != CTL_DONE ||
        (settings->to[0] != '\0' && check_id("--to", settings->to) != CTL_DONE) ||
        (settings->group[0] != '\0' && check_id("--group", settings->group) != CTL_DONE))
        return CTL_USAGE;
    if (find_server(settings, tls, host, port) != CTL_DONE)
        return CTL_USAGE;
    snprintf(server, sizeof server, strchr(host, ':') != NULL ? "[%s]:%s" : "%s:%s", host, port);
    struct chat_tls_trust *trust =
        tls ? chat_tls_trust_new(settings->cacert, !settings->insecure, reason) : NULL;
    if (tls && trust == NULL)
        return ctl_fail("%s", reason);
    char http[HTTP_BYTES];
    find_http(settings, tls, host, http);
    int status = find_password(settings, password);
    if (status == CTL_DONE) {
        struct chat_options options = {
            .login = settings->as,
            .password = password,
            .server = server,
            .host = host,
            .port = port,
            .trust = trust,
            .http = {.server = http, .issuers = settings->cacert, .verify = !settings->insecure},
            .to = settings->to,
            .group = settings->group,
            .registers = settings->registers,
            .registration_token = settings->registration_token};
        status = chat(settings, &options, password);
    }
    sodium_memzero(password, sizeof password);
    chat_tls_trust_destroy(&trust);
    return status;
}

static const struct config_option chat_options[] = {
    CONFIG_STRING(struct ctl_settings, as, "", "id, number or e-mail address of the account"),
    CONFIG_STRING(struct ctl_settings, to, "", "the person to write to at first"),
    CONFIG_STRING(struct ctl_settings, group, "", "the group to write to at first"),
    CONFIG_STRING(
        struct ctl_settings, server, "",
        "`ADDRESS` or `ADDRESS:PORT`, with `tls://` in front for TLS; by default 127.0.0.1"
        " and tcp_port, with TLS localhost and tls_tcp_port"),
    CONFIG_U64(struct ctl_settings, tcp_port, 54088, 0, 65535, "port",
               "the server's port for JSON over TCP"),
    CONFIG_U64(struct ctl_settings, tls_tcp_port, 54089, 0, 65535, "port",
               "the server's port for JSON over TCP with TLS"),
    CONFIG_STRING(struct ctl_settings, http, "",
                  "where files are, such as `https://chat.example.org`; by default the host of"
                  " --server at http_port, with TLS at https_port"),
    CONFIG_U64(struct ctl_settings, http_port, 5999, 0, 65535, "port",
               "the server's port for HTTP"),
    CONFIG_U64(struct ctl_settings, https_port, 5998, 0, 65535, "port",
               "the server's port for HTTP with TLS"),
    CONFIG_STRING(struct ctl_settings, cacert, "",
                  "with TLS: a file of issuers (PEM) to trust, in place of the system's"),
    CONFIG_BOOL(struct ctl_settings, insecure, false,
                "with TLS: take any certificate, whoever's it is"),
    {"register", CONFIG_TYPE_BOOL, offsetof(struct ctl_settings, registers), "", 0, 0, 1, "",
     "register the account first"},
    CONFIG_SECRET(struct ctl_settings, registration_token, "",
                  "the token for that, where the server wants one"),
    CONFIG_SECRET(struct ctl_settings, chat_password, "",
                  "the account's password; better in the environment than on the command line"),
    CONFIG_STRING(struct ctl_settings, password_file, "",
                  "a file whose first line is the password"),
    CONFIG_END};

const struct ctl_command ctl_chat_commands[] = {
    {"chat", "", "Talk as an account: a client at the terminal, or in a pipe (/help inside).",
     chat_options, 0, 0, run_chat, CTL_READS},
    {0}};
