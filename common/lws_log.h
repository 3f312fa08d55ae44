/* libwebsockets' errors and warnings as log lines; nothing else of its output. */
#ifndef PARLEY_COMMON_LWS_LOG_H
#define PARLEY_COMMON_LWS_LOG_H

/* To be called before a context is made; again is fine. */
void lws_log_open(void);

#endif
