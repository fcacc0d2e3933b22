/* Makes the C library find the files below $CASE_INSENSITIVE_ROOT whatever the case of their names, as APFS and NTFS do.
 * Preloaded with LD_PRELOAD. A file keeps the name that it was made with. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LONGEST 4096
#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* Append to `path` the entry of the directory `path` that is called `name`, in any case. */
static void descend(char *path, const char *name) {
    char entry[300], exact[LONGEST + 300];
    snprintf(entry, sizeof entry, "%s", name);
    snprintf(exact, sizeof exact, "%s/%s", path, name);
    DIR *directory = faccessat(AT_FDCWD, exact, F_OK, AT_SYMLINK_NOFOLLOW) ? opendir(path) : NULL;
    if (directory) {
        for (struct dirent *found = readdir(directory); found; found = readdir(directory))
            if (!strcasecmp(found->d_name, name)) {
                snprintf(entry, sizeof entry, "%s", found->d_name);
                break;
            }
        closedir(directory);
    }
    strncat(path, "/", LONGEST - strlen(path) - 1);
    strncat(path, entry, LONGEST - strlen(path) - 1);
}

static const char *on_disk(const char *path, char *out) {
    const char *root = getenv("CASE_INSENSITIVE_ROOT");
    char absolute[LONGEST] = "", *rest;
    if (!root || !path)
        return path;
    if (path[0] != '/')
        syscall(SYS_getcwd, absolute, sizeof absolute / 2);
    snprintf(absolute + strlen(absolute), sizeof absolute / 2, "%s%s", path[0] == '/' ? "" : "/", path);
    if (strncmp(absolute, root, strlen(root)) || absolute[strlen(root)] != '/')
        return path;
    snprintf(out, LONGEST, "%s", root);
    for (char *name = strtok_r(absolute + strlen(root), "/", &rest); name; name = strtok_r(NULL, "/", &rest))
        descend(out, name);
    return out;
}

#define OPEN(name)                                                      \
    int name(const char *path, int flags, ...) {                        \
        char out[LONGEST + 1];                                          \
        va_list more;                                                   \
        va_start(more, flags);                                          \
        int mode = flags & O_CREAT ? va_arg(more, int) : 0;             \
        va_end(more);                                                   \
        return NEXT(name)(on_disk(path, out), flags, mode);             \
    }
#define STAT(name, type)                                                \
    int name(const char *path, struct type *info) {                     \
        char out[LONGEST + 1];                                          \
        return NEXT(name)(on_disk(path, out), info);                    \
    }
#define REMOVE(name)                                                    \
    int name(const char *path) {                                        \
        char out[LONGEST + 1];                                          \
        return NEXT(name)(on_disk(path, out));                          \
    }

OPEN(open)
OPEN(open64)
STAT(stat, stat)
STAT(stat64, stat64)
STAT(lstat, stat)
STAT(lstat64, stat64)
REMOVE(unlink)
REMOVE(rmdir)

int mkdir(const char *path, mode_t mode) {
    char out[LONGEST + 1];
    return NEXT(mkdir)(on_disk(path, out), mode);
}

int rename(const char *from, const char *to) {
    char first[LONGEST + 1], second[LONGEST + 1];
    return NEXT(rename)(on_disk(from, first), on_disk(to, second));
}
