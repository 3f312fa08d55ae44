/* Passwords; see password.h. */
#include "services/ctl/chat/password.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define CTRL_C 3
#define CTRL_D 4
#define CTRL_U 21
#define ERASE 127

/* Reads up to Enter, key by key: so a signal from the keyboard cannot leave the terminal silent. */
static bool read_keys(int fd, char password_r[CHAT_PASSWORD_BYTES]) {
    size_t length = 0;
    char key;
    while (read(fd, &key, 1) == 1 && key != CTRL_C && key != CTRL_D) {
        if (key == '\n' || key == '\r') {
            password_r[length] = '\0';
            return true;
        }
        if (key == CTRL_U)
            length = 0;
        else if (key != ERASE && key != '\b' && length + 1 < CHAT_PASSWORD_BYTES)
            password_r[length++] = key;
        /* A character may have several bytes. */
        else if (key == ERASE || key == '\b')
            while (length > 0 && ((unsigned char)password_r[--length] & 0xc0) == 0x80)
                continue;
    }
    return false;
}

bool chat_password_ask(const char *question, char password_r[CHAT_PASSWORD_BYTES]) {
    struct termios before, silent;
    int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool done = tcgetattr(fd, &before) == 0;
    if (done) {
        silent = before;
        silent.c_lflag &= ~(tcflag_t)(ECHO | ICANON | ISIG);
        silent.c_cc[VMIN] = 1;
        silent.c_cc[VTIME] = 0;
        /* Silent before it asks: so what follows the question is never shown. */
        done = tcsetattr(fd, TCSAFLUSH, &silent) == 0 && dprintf(fd, "%s", question) > 0 &&
               read_keys(fd, password_r);
        (void)tcsetattr(fd, TCSAFLUSH, &before);
        dprintf(fd, "\n");
    }
    close(fd);
    return done;
}

bool chat_password_read(const char *path, char password_r[CHAT_PASSWORD_BYTES]) {
    char line[CHAT_PASSWORD_BYTES + 1]; /* and its line feed */
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    bool done = fgets(line, sizeof line, file) != NULL;
    fclose(file);
    size_t length = done ? strcspn(line, "\r\n") : 0;
    done = done && length < CHAT_PASSWORD_BYTES;
    if (done) {
        memcpy(password_r, line, length);
        password_r[length] = '\0';
    }
    return done;
}
