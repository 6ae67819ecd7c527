/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The open folders that the runtime gives a guest, by the beginnings of paths that they
 * stand for, as in C's library. That of Debian 12 asks for the size of memory here, in
 * assertions, and the engine does not make a memory smaller that a guest asks about.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <wasi/api.h>

enum { FIRST_FOLDER = 3 };

struct folder {
	int file;
	char *path; /* without a slash or a dot at its beginning */
};

static struct folder *folders;
static size_t count;
static int is_complete;

static const char *without_root(const char *path)
{
	for (;;) {
		if (path[0] == '/') {
			path++;
		} else if (path[0] == '.' && (path[1] == '/' || path[1] == '\0')) {
			path += path[1] == '/' ? 2 : 1;
		} else {
			return path;
		}
	}
}

/* Takes the path's memory, or frees it. */
static int add(int file, char *path)
{
	struct folder *more = realloc(folders, (count + 1) * sizeof(*folders));
	const char *rest;

	if (more == NULL) {
		free(path);
		return -1;
	}
	rest = without_root(path);
	memmove(path, rest, strlen(rest) + 1);
	folders = more;
	folders[count++] = (struct folder){file, path};
	return 0;
}

/* Asks the runtime for the folders, once. */
static int complete(void)
{
	for (int file = FIRST_FOLDER + (int)count; !is_complete; file++) {
		__wasi_prestat_t about;
		size_t bytes;
		char *path;

		if (__wasi_fd_prestat_get((__wasi_fd_t)file, &about) != 0) {
			is_complete = 1;
			break;
		}
		bytes = about.u.dir.pr_name_len;
		path = malloc(bytes + 1);
		if (path == NULL) {
			return -1;
		}
		if (__wasi_fd_prestat_dir_name((__wasi_fd_t)file, (uint8_t *)path, bytes) != 0) {
			free(path);
			errno = EIO;
			return -1;
		}
		path[bytes] = '\0';
		if (add(file, path) < 0) {
			return -1;
		}
	}
	return 0;
}

/* Bytes of the path that the folder stands for, or -1. */
static int matches(const struct folder *folder, const char *path)
{
	size_t bytes = strlen(folder->path);

	while (bytes > 0 && folder->path[bytes - 1] == '/') {
		bytes--;
	}
	if (strncmp(path, folder->path, bytes) != 0) {
		return -1;
	}
	return bytes == 0 || path[bytes] == '/' || path[bytes] == '\0' ? (int)bytes : -1;
}

__attribute__((weak)) int __wasilibc_register_preopened_fd(int file, const char *path)
{
	char *copy;

	if (complete() < 0) {
		return -1;
	}
	copy = strdup(path);
	return copy != NULL ? add(file, copy) : -1;
}

__attribute__((weak)) int __wasilibc_find_abspath(const char *path, const char **folder,
						  const char **rest)
{
	int file = -1;
	int most = -1;

	if (complete() < 0) {
		return -1;
	}
	path = without_root(path);
	/* Of two for one beginning, the later one. */
	for (size_t i = count; i > 0; i--) {
		int bytes = matches(&folders[i - 1], path);

		if (bytes > most) {
			most = bytes;
			file = folders[i - 1].file;
			*folder = folders[i - 1].path;
		}
	}
	if (file < 0) {
		errno = ENOENT;
		return -1;
	}
	path += most;
	while (*path == '/') {
		path++;
	}
	*rest = *path != '\0' ? path : ".";
	return file;
}

/* In guests that have a working folder, and use chdir(). */
__attribute__((weak)) int __wasilibc_find_relpath_alloc(const char *path, const char **folder,
							char **rest, size_t *bytes, int can_grow);

__attribute__((weak)) int __wasilibc_find_relpath(const char *path, const char **folder,
						  char **rest, size_t bytes)
{
	if (__wasilibc_find_relpath_alloc) {
		return __wasilibc_find_relpath_alloc(path, folder, rest, &bytes, 0);
	}
	return __wasilibc_find_abspath(path, folder, (const char **)rest);
}
