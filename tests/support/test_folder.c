/* Folders of a test's own; see test_folder.h. */
#include "tests/support/test_folder.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/service_process.h"

#define DESCRIPTORS 8
#define FOLDERS_MAX 64

static const char *folders[FOLDERS_MAX];
static size_t folder_count;
static pid_t maker;
/* nftw has no argument for what it calls. */
static size_t files_found, bytes_found;

static int remove_one(const char *path, const struct stat *what, int type, struct FTW *where) {
    (void)what;
    (void)type;
    (void)where;
    return remove(path);
}

static void remove_all(void) {
    for (size_t i = 0; i < folder_count && getpid() == maker; i++)
        nftw(folders[i], remove_one, DESCRIPTORS, FTW_DEPTH | FTW_PHYS);
}

const char *test_folder(void) {
    char path[] = "/tmp/parley-folder-XXXXXX";
    assert_true(folder_count < FOLDERS_MAX);
    assert_non_null(mkdtemp(path));
    if (folder_count == 0)
        assert_int_equal(atexit(remove_all), 0);
    maker = getpid();
    folders[folder_count] = test_text("%s", path);
    return folders[folder_count++];
}

static int count_one(const char *path, const struct stat *what, int type, struct FTW *where) {
    (void)path;
    (void)where;
    if (type == FTW_F) {
        files_found++;
        bytes_found += (size_t)what->st_size;
    }
    return 0;
}

static void look(const char *path) {
    files_found = bytes_found = 0;
    nftw(path, count_one, DESCRIPTORS, FTW_PHYS);
}

size_t test_folder_files(const char *path) {
    look(path);
    return files_found;
}

size_t test_folder_bytes(const char *path) {
    look(path);
    return bytes_found;
}
