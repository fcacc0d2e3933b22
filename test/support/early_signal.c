/* Sends a signal to the process just before it waits for the first time: too late for the program to see it before the
 * system call, too early to interrupt the call. Preloaded with LD_PRELOAD.
 *
 * EARLY_SIGNAL is the number of the signal. EARLY_CALL is the wait: "read" of a terminal, "poll" for data of a socket,
 * or "waitpid" for a child process. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static void send_before(const char *call) {
    static int sent;
    if (!sent && !strcmp(call, getenv("EARLY_CALL"))) {
        sent = 1;
        raise(atoi(getenv("EARLY_SIGNAL")));
    }
}

ssize_t read(int descriptor, void *buffer, size_t size) {
    if (isatty(descriptor))
        send_before("read");
    return NEXT(read)(descriptor, buffer, size);
}

int poll(struct pollfd *descriptors, nfds_t count, int milliseconds) {
    if (count == 1 && descriptors->events & POLLIN && milliseconds)
        send_before("poll");
    return NEXT(poll)(descriptors, count, milliseconds);
}

pid_t waitpid(pid_t process, int *status, int options) {
    if (!(options & WNOHANG))
        send_before("waitpid");
    return NEXT(waitpid)(process, status, options);
}
