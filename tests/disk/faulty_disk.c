/*
 * A disk that fails on command, for one process: LD_PRELOAD this, and write orders into the file that FAULTY_DISK names.
 *
 * One order a line: CALL WHAT PATH [FROM [TIMES]]
 *   CALL   read | write | sync | truncate | allocate | statvfs, each with all its forms in the C library
 *   WHAT   EIO | ENOSPC | a delay such as 500ms; of statvfs the bytes that are said to be free
 *   PATH   text that the file's path must contain; ended by $ where the path must end with it
 *   FROM   the call from which on it holds, counted since the order was given (1: the first), TIMES for how many (0: for good);
 *          of read the byte whose sector is lost, and TIMES how many bytes (0: one); it stays that file's, whatever its name becomes
 *
 * The file is read at each call, so that an order holds from the next call on. A failing write writes nothing; a failing sync syncs
 * nothing, but what was written before stays readable, as it does in Linux's page cache.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#define ORDERS_MAX 16
#define BLOCK 4096

struct order {
    char call[16], what[32], path[128];
    long from, times, seen;
    ino_t file;
};

static struct order orders[ORDERS_MAX];
static int count;
static char known[4096];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

/* Without signals meanwhile: Python's handler of one writes to a pipe, and would wait in here for what it has interrupted. */
static void enter(sigset_t *before)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, before);
    pthread_mutex_lock(&mutex);
}

static void leave(const sigset_t *before)
{
    pthread_mutex_unlock(&mutex);
    pthread_sigmask(SIG_SETMASK, before, NULL);
}

static void read_orders(void)
{
    char text[sizeof known] = "", *rest, *line;
    const char *control = getenv("FAULTY_DISK");
    int fd = control ? (int)syscall(SYS_openat, AT_FDCWD, control, O_RDONLY) : -1;
    if (fd >= 0) {
        ssize_t size = syscall(SYS_read, fd, text, sizeof text - 1);
        text[size > 0 ? size : 0] = 0;
        syscall(SYS_close, fd);
    }
    if (!strcmp(text, known))
        return;
    strcpy(known, text);
    count = 0;
    for (line = strtok_r(text, "\n", &rest); line && count < ORDERS_MAX; line = strtok_r(NULL, "\n", &rest)) {
        struct order *order = &orders[count];
        memset(order, 0, sizeof *order);
        order->from = 1;
        if (sscanf(line, "%15s %31s %127s %ld %ld", order->call, order->what, order->path, &order->from, &order->times) >= 3)
            count++;
    }
}

static int concerns(const struct order *order, const char *call, const char *path)
{
    size_t length = strlen(order->path), whole = strlen(path);
    if (strcmp(order->call, call))
        return 0;
    if (!length || order->path[length - 1] != '$')
        return strstr(path, order->path) != NULL;
    return whole >= length - 1 && !strncmp(path + whole - (length - 1), order->path, length - 1);
}

/* Copy what is ordered for this call, and return whether anything is. */
static int ordered(const char *call, const char *path, char *what)
{
    int found = 0;
    sigset_t before;
    enter(&before);
    read_orders();
    for (int i = 0; i < count && !found; i++) {
        struct order *order = &orders[i];
        if (!concerns(order, call, path))
            continue;
        order->seen++;
        if (order->seen >= order->from && (!order->times || order->seen < order->from + order->times)) {
            strcpy(what, order->what);
            found = 1;
        }
    }
    leave(&before);
    return found;
}

/* Return how much of this read the disk can give before the first sector that is lost. */
static ssize_t before_lost(int fd, size_t size, off64_t at)
{
    char link[64], path[4096];
    ssize_t length = (ssize_t)size;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t named = readlink(link, path, sizeof path - 1);
    path[named < 0 ? 0 : named] = 0;
    struct stat found = {0};
    fstat(fd, &found);
    sigset_t before;
    enter(&before);
    read_orders();
    for (int i = 0; i < count; i++) {
        struct order *order = &orders[i];
        if (!order->file && concerns(order, "read", path))
            order->file = found.st_ino;
        off64_t first = order->from / BLOCK * BLOCK, last = order->from + (order->times ? order->times - 1 : 0);
        if (order->file && order->file == found.st_ino && at + length > first && at < last / BLOCK * BLOCK + BLOCK)
            length = first > at ? first - at : -1;
    }
    leave(&before);
    return length;
}

/* Return the error this call is to fail with, 0 for none; wait first where that is ordered. */
static int fault(const char *call, int fd)
{
    char link[64], path[4096], what[32];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    if (!ordered(call, path, what))
        return 0;
    if (!strcmp(what, "EIO"))
        return EIO;
    if (!strcmp(what, "ENOSPC"))
        return ENOSPC;
    long wait_ms = atol(what);
    struct timespec wait = {wait_ms / 1000, wait_ms % 1000 * 1000000};
    nanosleep(&wait, NULL);
    return 0;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define WRAP(call, type, name, parameters, arguments) \
    type name parameters                              \
    {                                                 \
        int error = fault(call, fd);                  \
        if (error) {                                  \
            errno = error;                            \
            return -1;                                \
        }                                             \
        return REAL(name) arguments;                  \
    }

#define READ(name, parameters, at, arguments)         \
    ssize_t name parameters                           \
    {                                                 \
        ssize_t given = size ? before_lost(fd, size, at) : 0; \
        if (given < 0) {                              \
            errno = EIO;                              \
            return -1;                                \
        }                                             \
        size = (size_t)given;                         \
        return REAL(name) arguments;                  \
    }

READ(read, (int fd, void *data, size_t size), lseek64(fd, 0, SEEK_CUR), (fd, data, size))
READ(pread, (int fd, void *data, size_t size, off_t at), at, (fd, data, size, at))
READ(pread64, (int fd, void *data, size_t size, off64_t at), at, (fd, data, size, at))

WRAP("write", ssize_t, write, (int fd, const void *data, size_t size), (fd, data, size))
WRAP("write", ssize_t, pwrite, (int fd, const void *data, size_t size, off_t at), (fd, data, size, at))
WRAP("write", ssize_t, pwrite64, (int fd, const void *data, size_t size, off64_t at), (fd, data, size, at))
WRAP("sync", int, fsync, (int fd), (fd))
WRAP("sync", int, fdatasync, (int fd), (fd))
WRAP("truncate", int, ftruncate, (int fd, off_t size), (fd, size))
WRAP("truncate", int, ftruncate64, (int fd, off64_t size), (fd, size))
WRAP("allocate", int, fallocate, (int fd, int mode, off_t from, off_t size), (fd, mode, from, size))
WRAP("allocate", int, fallocate64, (int fd, int mode, off64_t from, off64_t size), (fd, mode, from, size))

/* These two return their error instead of setting errno. */
int posix_fallocate(int fd, off_t from, off_t size)
{
    int error = fault("allocate", fd);
    return error ? error : REAL(posix_fallocate)(fd, from, size);
}

int posix_fallocate64(int fd, off64_t from, off64_t size)
{
    int error = fault("allocate", fd);
    return error ? error : REAL(posix_fallocate64)(fd, from, size);
}

#define FREE(name, structure, type, argument, path_of)                      \
    int name(type argument, struct structure *found)                        \
    {                                                                       \
        char path[4096] = "", what[32];                                     \
        int result = REAL(name)(argument, found);                           \
        path_of;                                                            \
        if (!result && ordered("statvfs", path, what))                      \
            found->f_bavail = found->f_bfree = atoll(what) / found->f_frsize; \
        return result;                                                      \
    }

#define GIVEN snprintf(path, sizeof path, "%s", argument)
#define OPEN                                                            \
    do {                                                                \
        char link[64];                                                  \
        snprintf(link, sizeof link, "/proc/self/fd/%d", argument);      \
        path[readlink(link, path, sizeof path - 1) < 0 ? 0 : strlen(path)] = 0; \
    } while (0)

FREE(statvfs, statvfs, const char *, argument, GIVEN)
FREE(statvfs64, statvfs64, const char *, argument, GIVEN)
FREE(fstatvfs, statvfs, int, argument, OPEN)
FREE(fstatvfs64, statvfs64, int, argument, OPEN)
