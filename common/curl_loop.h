/*
 * Transfers of libcurl in the loop: its multi interface waits on libev.
 *
 *     struct curl_loop *loop = curl_loop_new(ev, connections, ended);
 *     curl_easy_setopt(curl, CURLOPT_PRIVATE, transfer);
 *     if (curl_loop_start(loop, curl)) ...                  later: ended(transfer, code), once
 *     curl_loop_stop(loop, curl);                           then curl_easy_cleanup
 *     curl_loop_destroy(&loop);
 *
 * Always: no callback is called from within a call of these.
 */
#ifndef PARLEY_COMMON_CURL_LOOP_H
#define PARLEY_COMMON_CURL_LOOP_H

#include <curl/curl.h>
#include <ev.h>
#include <stdbool.h>

struct curl_loop;

/* A transfer has ended; `code` says how. It may be stopped and freed from here, and others may be
 * started. */
typedef void curl_loop_ended(void *transfer, CURLcode code);

/* `ev` is borrowed. `connections`: as many are kept open for further transfers. NULL without
 * memory. */
struct curl_loop *curl_loop_new(struct ev_loop *ev, long connections, curl_loop_ended *ended);
/* All transfers are stopped before. */
void curl_loop_destroy(struct curl_loop **self);

/* `curl` is borrowed until it is stopped. false: it does not start. */
bool curl_loop_start(struct curl_loop *self, CURL *curl) __attribute__((warn_unused_result));
/* Also of one that has ended, or was not started. */
void curl_loop_stop(struct curl_loop *self, CURL *curl);

#endif
