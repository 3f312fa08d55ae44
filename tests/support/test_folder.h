/*
 * Folders of a test's own, for programs that keep something in files.
 */
#ifndef PARLEY_TESTS_TEST_FOLDER_H
#define PARLEY_TESTS_TEST_FOLDER_H

#include <stddef.h>

/* An empty folder, another one each time; its path lives as long as the test program, and the
 * folder is removed with what is in it when that ends in order. */
const char *test_folder(void);

/* Regular files in a folder and the folders in it; their bytes. A folder that is not there has
 * none. */
size_t test_folder_files(const char *path);
size_t test_folder_bytes(const char *path);

#endif
