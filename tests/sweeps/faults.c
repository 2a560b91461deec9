/* Faults of a disk and of a clock, for processes that load this with LD_PRELOAD.
 *
 * FAULTS="CALLS PATTERNS ERROR AFTER COUNT" arms it when a process starts, faults_arm() later.
 * CALLS is a sum of the numbers below; PATTERNS are globs of whole paths, with commas between them;
 * ERROR is an errno, or 0 for a write that takes only half of what it is given. AFTER calls that
 * match go well, COUNT fail, the rest goes well again; -1 for all.
 *
 * FAULTS_CLOCK=1 makes the time of day jump by years, forward and back, at every call.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { WRITE = 1, SYNC = 2, READ = 4, TRUNCATE = 8 };

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static int calls, error_number, after, count, hits;
static char patterns[512];
static int jumping;

void faults_arm(int which, const char *names, int error, int from, int number)
{
    pthread_mutex_lock(&guard);
    calls = which;
    snprintf(patterns, sizeof patterns, "%s", names);
    error_number = error;
    after = from;
    count = number;
    hits = 0;
    pthread_mutex_unlock(&guard);
}

int faults_hits(void)
{
    pthread_mutex_lock(&guard);
    int found = hits;
    pthread_mutex_unlock(&guard);
    return found;
}

__attribute__((constructor)) static void start(void)
{
    const char *said = getenv("FAULTS");
    char names[512];
    int which, error, from, number;
    if (said && sscanf(said, "%d %511s %d %d %d", &which, names, &error, &from, &number) == 5)
        faults_arm(which, names, error, from, number);
    jumping = getenv("FAULTS_CLOCK") != NULL;
}

static int matches(int handle)
{
    char link[64], path[4096], names[512];
    snprintf(link, sizeof link, "/proc/self/fd/%d", handle);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    snprintf(names, sizeof names, "%s", patterns);
    char *rest = names;
    for (char *one = strsep(&rest, ","); one; one = strsep(&rest, ","))
        if (fnmatch(one, path, 0) == 0)
            return 1;
    return 0;
}

/* Whether this call is to fail. */
static int fails(int call, int handle)
{
    if (!(calls & call))
        return 0;
    int saved = errno, found = 0;
    pthread_mutex_lock(&guard);
    if ((calls & call) && count != 0 && matches(handle)) {
        if (after > 0)
            after--;
        else {
            found = 1;
            hits++;
            if (count > 0)
                count--;
        }
    }
    pthread_mutex_unlock(&guard);
    errno = saved;
    return found;
}

#define REAL(name) \
    static __typeof__(name) *real; \
    if (!real) \
        real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

#define OR_FAIL(call, handle) \
    if (fails(call, handle)) { \
        errno = error_number; \
        return -1; \
    }

#define OR_HALF(handle, length) \
    if (fails(WRITE, handle)) { \
        if (error_number) { \
            errno = error_number; \
            return -1; \
        } \
        length -= length / 2; \
    }

ssize_t write(int handle, const void *data, size_t length)
{
    REAL(write);
    OR_HALF(handle, length)
    return real(handle, data, length);
}

ssize_t pwrite(int handle, const void *data, size_t length, off_t place)
{
    REAL(pwrite);
    OR_HALF(handle, length)
    return real(handle, data, length, place);
}

ssize_t pwrite64(int handle, const void *data, size_t length, off64_t place)
{
    REAL(pwrite64);
    OR_HALF(handle, length)
    return real(handle, data, length, place);
}

ssize_t read(int handle, void *data, size_t length)
{
    REAL(read);
    OR_FAIL(READ, handle)
    return real(handle, data, length);
}

ssize_t pread(int handle, void *data, size_t length, off_t place)
{
    REAL(pread);
    OR_FAIL(READ, handle)
    return real(handle, data, length, place);
}

ssize_t pread64(int handle, void *data, size_t length, off64_t place)
{
    REAL(pread64);
    OR_FAIL(READ, handle)
    return real(handle, data, length, place);
}

int fsync(int handle)
{
    REAL(fsync);
    OR_FAIL(SYNC, handle)
    return real(handle);
}

int fdatasync(int handle)
{
    REAL(fdatasync);
    OR_FAIL(SYNC, handle)
    return real(handle);
}

int ftruncate(int handle, off_t length)
{
    REAL(ftruncate);
    OR_FAIL(TRUNCATE, handle)
    return real(handle, length);
}

int ftruncate64(int handle, off64_t length)
{
    REAL(ftruncate64);
    OR_FAIL(TRUNCATE, handle)
    return real(handle, length);
}

/* Up to thirty years, forward or back. */
static time_t jump(void)
{
    static unsigned state = 12345;
    unsigned now = __atomic_add_fetch(&state, 0x9e3779b9u, __ATOMIC_RELAXED);
    now ^= now >> 15;
    now *= 0x2c1b3c6du;
    now ^= now >> 12;
    return (time_t)(now % 1892160000u) - 946080000;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    REAL(clock_gettime);
    int result = real(clock, now);
    if (result == 0 && jumping && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += jump();
    return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    REAL(gettimeofday);
    int result = real(now, zone);
    if (result == 0 && jumping)
        now->tv_sec += jump();
    return result;
}

time_t time(time_t *place)
{
    REAL(time);
    time_t now = real(NULL);
    if (jumping)
        now += jump();
    if (place)
        *place = now;
    return now;
}
