/* auth.devices and auth.end_device: the logins of an account, for the account itself. */
#include "services/auth/auth.h"
#include "services/auth/auth_sql.h"

/* A login is named by the first bytes of its token's hash, which tell nothing of the token. */
#define DEVICE_ID_BYTES 8

static uint64_t id_of(struct slice hash) {
    uint64_t id = 0;
    for (size_t i = 0; i < hash.length && i < DEVICE_ID_BYTES; i++)
        id = id << 8 | (unsigned char)hash.data[i];
    return id;
}

static void id_to_bytes(uint64_t id, char bytes_r[DEVICE_ID_BYTES]) {
    for (int i = DEVICE_ID_BYTES - 1; i >= 0; i--, id >>= 8)
        bytes_r[i] = (char)(id & 0xff);
}

static void take(const struct db_rows *rows, struct record_arena *arena, struct device *device_r) {
    *device_r = (struct device){
        .id = id_of(db_rows_slice(rows, AUTH_DEVICE_ID)),
        .login = db_rows_u64(rows, AUTH_DEVICE_LOGIN),
        .device = record_arena_copy(arena, db_rows_slice(rows, AUTH_DEVICE_NAME)),
        .transport = db_rows_u64(rows, AUTH_DEVICE_TRANSPORT),
        .address = record_arena_copy(arena, db_rows_slice(rows, AUTH_DEVICE_ADDRESS)),
        .since_ms = db_rows_u64(rows, AUTH_DEVICE_SINCE_MS),
        .heard_ms = db_rows_u64(rows, AUTH_DEVICE_HEARD_MS)};
}

enum err auth_handle_devices(void *context, struct db *db, struct record_arena *arena,
                             const void *body, void *reply_r) {
    (void)context;
    const struct auth_devices *ask = body;
    struct auth_devices_reply *reply = reply_r;
    struct device *devices = record_arena_alloc(arena, DEVICES_MAX * sizeof *devices);
    struct db_rows *rows;
    if (devices == NULL)
        return ERR_OVERLOADED;
    enum err err = db_query(db, &auth_sql_find_devices,
                            DB_ARGS(db_u64(ask->account), db_u64(DEVICES_MAX + 1)), &rows);
    reply->devices.items = devices;
    while (err == ERR_OK && db_rows_next(rows)) {
        reply->more = reply->devices.count == DEVICES_MAX;
        if (!reply->more)
            take(rows, arena, &devices[reply->devices.count++]);
    }
    db_rows_destroy(&rows);
    return err;
}

enum err auth_handle_end_device(void *context, struct db *db, struct record_arena *arena,
                                const void *body, void *reply_r) {
    (void)context;
    (void)arena;
    const struct auth_end_device *ask = body;
    struct auth_end_device_reply *reply = reply_r;
    char id[DEVICE_ID_BYTES];
    struct db_rows *rows;
    id_to_bytes(ask->id, id);
    const struct db_value account = db_u64(ask->account),
                          device = db_bytes(slice_make(id, sizeof id));
    enum err err = db_query(db, &auth_sql_find_device, DB_ARGS(account, device), &rows);
    if (err == ERR_OK && db_rows_next(rows))
        reply->login = db_rows_u64(rows, 0);
    db_rows_destroy(&rows);
    return err == ERR_OK ? db_query(db, &auth_sql_end_device, DB_ARGS(account, device), NULL) : err;
}
