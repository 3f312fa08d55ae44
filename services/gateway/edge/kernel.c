/* Questions to the kernel about a socket. */
#include "services/gateway/edge/kernel.h"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* States of TCP, as the kernel counts them. netinet/tcp.h has names for them, but it doesn't go
 * with linux/tcp.h, whose tcp_info is the whole one. */
enum { STATE_ESTABLISHED = 1, STATE_CLOSE = 7 };

bool edge_kernel_ask(int fd, struct edge_kernel_info *info_r) {
    struct tcp_info tcp = {0};
    socklen_t length = sizeof tcp;
    *info_r = (struct edge_kernel_info){.state = EDGE_KERNEL_CLOSED};
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &tcp, &length) != 0)
        return false;
    *info_r = (struct edge_kernel_info){
        .state = tcp.tcpi_state == STATE_ESTABLISHED ? EDGE_KERNEL_OPEN
                 : tcp.tcpi_state == STATE_CLOSE     ? EDGE_KERNEL_CLOSED
                                                     : EDGE_KERNEL_HALF_CLOSED,
        .data_age_ms = tcp.tcpi_last_data_recv,
        .acknowledge_age_ms = tcp.tcpi_last_ack_recv,
        .round_trip_ms = tcp.tcpi_min_rtt / 1000,
        .acknowledged_bytes = tcp.tcpi_bytes_acked,
        .window_bytes = tcp.tcpi_snd_wnd,
        .window_known = length >= offsetof(struct tcp_info, tcpi_snd_wnd) + sizeof tcp.tcpi_snd_wnd,
        .output_waits = tcp.tcpi_unacked > 0 || tcp.tcpi_notsent_bytes > 0};
    return true;
}

int edge_kernel_unacknowledged(int fd) {
    int held = 0;
    return ioctl(fd, SIOCOUTQ, &held) == 0 && held >= 0 ? held : -1;
}
