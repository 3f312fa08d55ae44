/* The link to files; see file_link.h. */
#include "services/gateway/file_link.h"

#include "common/log.h"
#include "proto/messages.h"
#include "services/gateway/file_address.h"

/* limit: gateway | how often files is asked for the key of addresses, while there is none | every
 * {KEY_PAUSE_MS} | texts show files without an address, downloads answer 503 */
#define KEY_PAUSE_MS 1000

static void ask_for_key(struct gateway *self);

static void on_key(void *argument, enum err err, const void *reply, const char *text) {
    struct gateway *self = argument;
    const struct files_key_reply *found = reply;
    (void)text;
    if (err == ERR_OK && found != NULL && found->key.length == FILE_KEY_BYTES) {
        file_address_set_key(self->file_address, found->key);
        log_info("file_key", "text=\"addresses of files are signed\"");
    } else if (!self->stopping) {
        loop_timer_hasten(service_loop(self->service), &self->on_file_key, KEY_PAUSE_MS);
    }
}

/* With no instance there, the next one that is found is asked. */
static void ask_for_key(struct gateway *self) {
    const struct files_key body = {.instance = service_instance(self->service)};
    struct peer *peer = peers_next(self->files);
    if (file_address_has_key(self->file_address) || peer == NULL)
        return;
    enum err err = peers_ask(
        self->files, peer,
        &(struct peers_request){
            .message = &message_FILES_KEY, .body = &body, .done = on_key, .argument = self});
    if (err != ERR_OK)
        on_key(self, err, NULL, NULL);
}

static void on_timer(struct ev_loop *ev, ev_timer *watcher, int revents) {
    (void)ev;
    (void)revents;
    ask_for_key(watcher->data);
}

static void files_changed(void *context, struct peer *peer, enum peer_change change) {
    (void)peer;
    if (change == PEER_LIVE)
        ask_for_key(context);
}

int file_link_open(struct gateway *self) {
    ev_timer_init(&self->on_file_key, on_timer, 0, 0);
    self->on_file_key.data = self;
    self->files =
        peers_new(self->service, &(struct peers_options){.name = "files",
                                                         .addresses = self->settings.files_peers,
                                                         .context = self,
                                                         .change = files_changed});
    return self->files == NULL ? -1 : 0;
}

void file_link_close(struct gateway *self) {
    self->stopping = true;
    peers_destroy(&self->files);
    ev_timer_stop(service_loop(self->service), &self->on_file_key);
}
