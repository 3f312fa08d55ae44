/* The options of transfers; see settings.h. */
#include "services/gateway/edge/settings.h"

const struct config_option edge_transfers_options[] = {
    /*
     * limit: client | uploads, downloads and calls of the API at a gateway | {transfers_max} | 503,
     * with Retry-After
     */
    CONFIG_U64(
        struct edge_transfers_settings, transfers_max, 512, 1, 100000, "requests",
        "uploads and downloads of files, and calls of the API, at once; each of the former may "
        "take 0.7 MB of memory"),
    /*
     * limit: client | uploads, downloads and calls of the API of one address (IPv6: its /64), at
     * each gateway, where addresses are counted (`connections_per_address`) |
     * {transfers_per_address} | 503, with Retry-After
     */
    CONFIG_U64(struct edge_transfers_settings, transfers_per_address, 256, 1, 100000, "requests",
               "uploads, downloads and calls of the API of one address at once (IPv6: of one /64)"),
    /* limit: client | a body over HTTP of which nothing arrives | {transfer_silence_ms} | closed */
    CONFIG_U64(struct edge_transfers_settings, transfer_silence_ms, 20000, 100, 3600000, "ms",
               "how long nothing of an upload may arrive before it is ended"),
    /*
     * limit: client | how slow an upload or download may be | {transfer_least_bytes} a second, over
     * {transfer_rate_ms} in which the server waits for the client | closed; what arrived of an
     * upload is kept
     */
    CONFIG_U64(struct edge_transfers_settings, transfer_least_bytes, 1024, 0, 1 << 30, "bytes",
               "how many bytes an upload or download must move in a second; 0: any number"),
    CONFIG_U64(struct edge_transfers_settings, transfer_rate_ms, 60000, 100, 3600000, "ms",
               "over how long that is measured, while the client is waited for"),
    CONFIG_END};
