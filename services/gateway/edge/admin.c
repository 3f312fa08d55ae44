/* Who may see the operator's page; see admin.h. */
#include "services/gateway/edge/admin.h"

#include <string.h>
#include <strings.h>

#include "common/address_ranges.h"

#define LOOPBACK "127.0.0.0/8,::1"

bool edge_admin_is_at(struct slice path) {
    static const char folder[] = "/admin";
    size_t length = sizeof folder - 1;
    return path.length >= length && memcmp(path.data, folder, length) == 0 &&
           (path.length == length || path.data[length] == '/');
}

/* No browser speaks HTTP/1.0, as some proxies do. */
static bool is_passed_on(const struct edge_http_request *request) {
    static const char *const headers[] = {"Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host",
                                          "X-Real-IP"};
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++)
        if (edge_http_count(request, headers[i]) > 0)
            return true;
    return !request->is_1_1;
}

/* `localhost`, or an address of this machine's own; a port may follow. */
static bool names_loopback(struct slice host) {
    static const char name[] = "localhost";
    struct slice port;
    bool bracket = host.length > 0 && host.data[0] == '[';
    const char *end = host.length == 0 ? NULL : memchr(host.data, bracket ? ']' : ':', host.length);
    if (bracket && end == NULL)
        return false;
    if (bracket)
        host = slice_make(host.data + 1, host.length - 1);
    port =
        end == NULL ? slice_make("", 0) : slice_make(end, (size_t)(host.data + host.length - end));
    host = slice_make(host.data, host.length - port.length);
    return (host.length == sizeof name - 1 && strncasecmp(host.data, name, host.length) == 0) ||
           address_ranges_hold(slice_text(LOOPBACK), host);
}

bool edge_admin_is_open(const char *addresses, bool proxied, const char *host,
                        const struct edge_http_request *request) {
    struct slice address = slice_text(host);
    if (!address_ranges_hold(slice_text(addresses), address))
        return false;
    if (proxied)
        return true;
    return !is_passed_on(request) && (!address_ranges_hold(slice_text(LOOPBACK), address) ||
                                      names_loopback(edge_http_value(request, "Host")));
}
