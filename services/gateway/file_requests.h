/* Requests about files and stickers: each asks for the request in progress (request.h). */
#ifndef PARLEY_GATEWAY_FILE_REQUESTS_H
#define PARLEY_GATEWAY_FILE_REQUESTS_H

struct client;

void file_request_upload(struct client *client);
void file_request_set_sticker(struct client *client);
void file_request_stickers(struct client *client);

#endif
