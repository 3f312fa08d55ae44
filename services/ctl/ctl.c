/* Shared by the commands of parleyctl; see ctl.h. */
#include "services/ctl/ctl.h"

#include <stdarg.h>
#include <stdio.h>

#define PORT(member_, default_, help_)                                                             \
    CONFIG_U64(struct ctl_peers, member_, default_, 1, 65535, "port", help_)

const struct config_option ctl_peer_options[] = {
    CONFIG_STRING(struct ctl_peers, auth_peers, "",
                  "instances of auth, `tcp://host:port` or `dns:name:port`, separated by commas;"
                  " by default auth_port on this machine"),
    CONFIG_STRING(struct ctl_peers, group_peers, "", "instances of group"),
    CONFIG_STRING(struct ctl_peers, session_peers, "", "instances of session"),
    CONFIG_STRING(struct ctl_peers, delivery_peers, "", "instances of delivery"),
    CONFIG_STRING(struct ctl_peers, files_peers, "", "instances of files"),
    CONFIG_STRING(struct ctl_peers, hooks_peers, "", "instances of hooks"),
    CONFIG_STRING(struct ctl_peers, gateway_peers, "", "instances of gateway"),
    PORT(auth_port, 7101, "where auth listens"), PORT(group_port, 7102, "where group listens"),
    PORT(session_port, 7103, "where session listens"),
    PORT(delivery_port, 7104, "where delivery listens"),
    PORT(files_port, 7105, "where files listens"), PORT(hooks_port, 7106, "where hooks listens"),
    PORT(gateway_port, 7100, "where gateway listens for parleyctl"),
    /* limit: peer | wait for an answer | {request_timeout_ms} | `timeout` */
    /* limit: tool | an answer to other commands | {request_timeout_ms} | exit status 1 */
    CONFIG_U64(struct ctl_peers, request_timeout_ms, 5000, 10, 600000, "ms",
               "how long to wait for a reply"),
    CONFIG_INCLUDE(struct ctl_peers, keys, keys_options), CONFIG_END};

const struct config_option ctl_no_options[] = {CONFIG_END};
const struct config_option ctl_only_db_options[] = {
    CONFIG_INCLUDE(struct ctl_settings, db, db_options), CONFIG_END};
const struct config_option ctl_only_peer_options[] = {
    CONFIG_INCLUDE(struct ctl_settings, peers, ctl_peer_options), CONFIG_END};

const struct config_option ctl_list_options[] = {
    CTL_JSON_OPTION,
    CONFIG_U64(struct ctl_settings, after, 0, 0, UINT64_MAX, "", "only those with larger numbers"),
    CONFIG_U64(struct ctl_settings, limit, 1000, 1, 1000000, "", "how many at most"),
    CONFIG_INCLUDE(struct ctl_settings, db, db_options), CONFIG_END};
const struct config_option ctl_show_options[] = {
    CTL_JSON_OPTION, CONFIG_INCLUDE(struct ctl_settings, db, db_options), CONFIG_END};

int64_t ctl_answer_ms(const struct ctl_settings *settings) {
    return settings->peers.request_timeout_ms < CTL_ANSWER_MS
               ? (int64_t)settings->peers.request_timeout_ms
               : CTL_ANSWER_MS;
}

int ctl_fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("parleyctl: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    return CTL_FAILED;
}
