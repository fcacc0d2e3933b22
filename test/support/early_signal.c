/* Sends SIGINT to the process just before its first read() of a terminal or select(): too late for the program to see
 * it before the call, too early to interrupt the call. Preloaded with LD_PRELOAD. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <sys/select.h>
#include <unistd.h>

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static void send_once(void) {
    static int sent;
    if (!sent++)
        raise(SIGINT);
}

ssize_t read(int descriptor, void *buffer, size_t size) {
    if (isatty(descriptor))
        send_once();
    return NEXT(read)(descriptor, buffer, size);
}

int select(int count, fd_set *reads, fd_set *writes, fd_set *errors, struct timeval *timeout) {
    for (int descriptor = 0; reads && descriptor < count; descriptor++)
        if (FD_ISSET(descriptor, reads) && isatty(descriptor))
            send_once();
    return NEXT(select)(count, reads, writes, errors, timeout);
}
