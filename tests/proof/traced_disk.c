/*
 * Everything a process does to the files of one folder, in one order: LD_PRELOAD this; TRACED_DISK is the folder, TRACE the file to log to.
 *
 * One entry a call that succeeded, a line of text: CALL NAME OFFSET SIZE, after a write followed by its SIZE bytes.
 *   CALL   write | sync | truncate (SIZE is the new size) | unlink
 *
 * Call and entry are one step under a mutex, so that the order in the log is the order on the disk, and what was logged before a sync
 * that is in the log had been handed to the kernel before it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

/* Return the part of *path* behind the folder, "." for the folder itself, NULL where it is not in it. */
static const char *within(const char *path)
{
    const char *folder = getenv("TRACED_DISK");
    size_t length = folder ? strlen(folder) : 0;
    if (!length || strncmp(path, folder, length))
        return NULL;
    return path[length] == '/' ? path + length + 1 : path[length] ? NULL : ".";
}

static const char *name_of(int fd, char *path, size_t size)
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, size - 1);
    if (length < 0)
        return NULL;
    path[length] = 0;
    return within(path);
}

static void note(const char *call, const char *name, off64_t offset, off64_t size, const void *data)
{
    static int log = -1;
    char line[4200];
    if (log < 0)
        log = (int)syscall(SYS_openat, AT_FDCWD, getenv("TRACE"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    int length = snprintf(line, sizeof line, "%s %s %lld %lld\n", call, name, (long long)offset, (long long)size);
    struct iovec parts[2] = {{line, (size_t)length}, {(void *)data, data ? (size_t)size : 0}};
    if (syscall(SYS_writev, log, parts, 2) != length + (data ? size : 0))
        abort(); /* half a trace would prove nothing */
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define TRACED(type, function, parameters, arguments, entry)    \
    type function parameters                                    \
    {                                                           \
        char path[4096];                                        \
        const char *name = name_of(fd, path, sizeof path);      \
        if (!name)                                              \
            return REAL(function) arguments;                    \
        pthread_mutex_lock(&mutex);                             \
        type result = REAL(function) arguments;                 \
        if (result >= 0)                                        \
            entry;                                              \
        pthread_mutex_unlock(&mutex);                           \
        return result;                                          \
    }

TRACED(ssize_t, write, (int fd, const void *data, size_t size), (fd, data, size),
       note("write", name, lseek64(fd, 0, SEEK_CUR) - result, result, data))
TRACED(ssize_t, pwrite, (int fd, const void *data, size_t size, off_t at), (fd, data, size, at), note("write", name, at, result, data))
TRACED(ssize_t, pwrite64, (int fd, const void *data, size_t size, off64_t at), (fd, data, size, at), note("write", name, at, result, data))
TRACED(int, fsync, (int fd), (fd), note("sync", name, 0, 0, NULL))
TRACED(int, fdatasync, (int fd), (fd), note("sync", name, 0, 0, NULL))
TRACED(int, ftruncate, (int fd, off_t size), (fd, size), note("truncate", name, 0, size, NULL))
TRACED(int, ftruncate64, (int fd, off64_t size), (fd, size), note("truncate", name, 0, size, NULL))

int unlink(const char *path)
{
    const char *name = within(path);
    if (!name)
        return REAL(unlink)(path);
    pthread_mutex_lock(&mutex);
    int result = REAL(unlink)(path);
    if (!result)
        note("unlink", name, 0, 0, NULL);
    pthread_mutex_unlock(&mutex);
    return result;
}
