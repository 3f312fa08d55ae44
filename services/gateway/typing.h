/* 313: the client is typing. */
#ifndef PARLEY_GATEWAY_TYPING_H
#define PARLEY_GATEWAY_TYPING_H

struct client;

/* 313, whose group and person have their numbers; ends with request_end. */
void typing_start(struct client *client);

#endif
