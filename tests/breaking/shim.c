/* Preloaded into the program and into every git that it starts: counts each call that changes something below
 * one folder, and at the one that is wanted either kills its process or fails with an error.
 *
 * BREAKING_CONTROL names a file of eight 32-bit numbers, shared by all processes (see `Control` in shim.py):
 * armed, count, at, error (0: die), fired, pid of who was hit, call, whether every open counts (also for reading) and nothing else.
 * BREAKING_ROOT is the folder.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

enum { OPEN = 1, WRITE, FSYNC, RENAME, LINK, UNLINK, MKDIR, TRUNCATE, CHMOD };

static volatile int *control;
static char root[4096];
static size_t root_length;

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("BREAKING_CONTROL"), *folder = getenv("BREAKING_ROOT");
	if (!path || !folder || strlen(folder) >= sizeof root)
		return;
	int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
	int fd = real(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return;
	void *memory = mmap(NULL, 8 * sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	strcpy(root, folder);
	root_length = strlen(root);
	if (memory != MAP_FAILED)
		control = memory;
}

static int is_inside(const char *path)
{
	char here[4096];
	if (!path)
		return 0;
	if (path[0] != '/')
		return getcwd(here, sizeof here) && strncmp(here, root, root_length) == 0;
	return strncmp(path, root, root_length) == 0;
}

static int is_inside_fd(int fd)
{
	char link[64], path[4096];
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t length = readlink(link, path, sizeof path - 1);
	if (length <= 0)
		return 0;
	path[length] = 0;
	return strncmp(path, root, root_length) == 0;
}

/* Whether this call must fail. */
static int hit(int call)
{
	if (control[7] && call != OPEN)
		return 0;
	if (__sync_add_and_fetch(&control[1], 1) != control[2])
		return 0;
	control[4] = 1;
	control[5] = getpid();
	control[6] = call;
	if (control[3] == 0)
		kill(getpid(), SIGKILL);
	errno = control[3];
	return 1;
}

#define REAL(type, name, ...) \
	static type (*real)(__VA_ARGS__); \
	if (!real) \
		real = dlsym(RTLD_NEXT, name)
#define ARMED (control && control[0])
#define COUNTS(flags) (control[7] || (flags) & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC))

#define OPENING(name) \
	int name(const char *path, int flags, ...) \
	{ \
		mode_t mode = 0; \
		va_list rest; \
		REAL(int, #name, const char *, int, ...); \
		if (flags & (O_CREAT | O_TMPFILE)) { \
			va_start(rest, flags); \
			mode = va_arg(rest, mode_t); \
			va_end(rest); \
		} \
		if (ARMED && COUNTS(flags) && is_inside(path) && hit(OPEN)) \
			return -1; \
		return real(path, flags, mode); \
	}
#define OPENING_AT(name) \
	int name(int folder, const char *path, int flags, ...) \
	{ \
		mode_t mode = 0; \
		va_list rest; \
		REAL(int, #name, int, const char *, int, ...); \
		if (flags & (O_CREAT | O_TMPFILE)) { \
			va_start(rest, flags); \
			mode = va_arg(rest, mode_t); \
			va_end(rest); \
		} \
		if (ARMED && COUNTS(flags) && is_inside(path) && hit(OPEN)) \
			return -1; \
		return real(folder, path, flags, mode); \
	}
OPENING(open)
OPENING(open64)
OPENING_AT(openat)
OPENING_AT(openat64)

ssize_t write(int fd, const void *data, size_t size)
{
	REAL(ssize_t, "write", int, const void *, size_t);
	if (ARMED && is_inside_fd(fd) && hit(WRITE)) {
		/* A full disk takes the first half. */
		if (errno == ENOSPC && size > 1)
			return real(fd, data, size / 2);
		return -1;
	}
	return real(fd, data, size);
}

#define ON_FD(type, name, call, parameters, arguments) \
	type name parameters \
	{ \
		static type(*real) parameters; \
		if (!real) \
			real = dlsym(RTLD_NEXT, #name); \
		if (ARMED && is_inside_fd(fd) && hit(call)) \
			return -1; \
		return real arguments; \
	}
#define ON_PATH(type, name, call, parameters, arguments) \
	type name parameters \
	{ \
		static type(*real) parameters; \
		if (!real) \
			real = dlsym(RTLD_NEXT, #name); \
		if (ARMED && is_inside(path) && hit(call)) \
			return -1; \
		return real arguments; \
	}
ON_FD(ssize_t, pwrite, WRITE, (int fd, const void *data, size_t size, off_t at), (fd, data, size, at))
ON_FD(ssize_t, pwrite64, WRITE, (int fd, const void *data, size_t size, off64_t at), (fd, data, size, at))
ON_FD(int, fsync, FSYNC, (int fd), (fd))
ON_FD(int, fdatasync, FSYNC, (int fd), (fd))
ON_FD(int, ftruncate, TRUNCATE, (int fd, off_t size), (fd, size))
ON_FD(int, ftruncate64, TRUNCATE, (int fd, off64_t size), (fd, size))
ON_FD(int, fchmod, CHMOD, (int fd, mode_t mode), (fd, mode))
ON_PATH(int, rename, RENAME, (const char *path, const char *to), (path, to))
ON_PATH(int, renameat, RENAME, (int a, const char *path, int b, const char *to), (a, path, b, to))
ON_PATH(int, renameat2, RENAME, (int a, const char *path, int b, const char *to, unsigned int how), (a, path, b, to, how))
ON_PATH(int, link, LINK, (const char *path, const char *to), (path, to))
ON_PATH(int, linkat, LINK, (int a, const char *path, int b, const char *to, int how), (a, path, b, to, how))
ON_PATH(int, symlink, LINK, (const char *to, const char *path), (to, path))
ON_PATH(int, unlink, UNLINK, (const char *path), (path))
ON_PATH(int, unlinkat, UNLINK, (int a, const char *path, int how), (a, path, how))
ON_PATH(int, rmdir, UNLINK, (const char *path), (path))
ON_PATH(int, mkdir, MKDIR, (const char *path, mode_t mode), (path, mode))
ON_PATH(int, mkdirat, MKDIR, (int a, const char *path, mode_t mode), (a, path, mode))
ON_PATH(int, chmod, CHMOD, (const char *path, mode_t mode), (path, mode))
