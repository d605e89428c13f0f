/* LD_PRELOAD shim: fails one chosen call on files below one folder. Test code only; built by tests/faults/control.py.
 *
 * The control block is a shared file: which operation, after how many calls, with which errno, below which folder.
 * Calls on other files and on sockets are passed on and not counted. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { WRITE, FSYNC, RENAME, CLOSE, READ, LINK, OPS };

struct control {
  long op;           /* the operation to fail, -1 = none */
  long number;       /* which call of it, from 1 */
  long error;        /* errno */
  long fired;        /* set to 1 when it has failed */
  long counts[8];    /* calls seen so far, by operation */
  char folder[1024]; /* files below this folder count */
};

static struct control *control(void) {
  static struct control *block;
  static int tried;
  if (!tried) {
    tried = 1;
    const char *path = getenv("WEFT_FAULT_CONTROL");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd >= 0) {
      void *p = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
      block = p == MAP_FAILED ? NULL : p;
      int (*real_close)(int) = dlsym(RTLD_NEXT, "close");
      real_close(fd);
    }
  }
  return block;
}

static int below(const struct control *c, const char *path) {
  size_t n = strlen(c->folder);
  return n && strncmp(path, c->folder, n) == 0;
}

static int below_fd(const struct control *c, int fd) {
  char link[64], path[1024];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, path, sizeof path - 1);
  if (n <= 0) return 0;
  path[n] = 0;
  return below(c, path);
}

/* Whether this call is the one to fail. */
static int fails(struct control *c, int op) {
  long number = __atomic_add_fetch(&c->counts[op], 1, __ATOMIC_SEQ_CST);
  if (c->op != op || c->number != number) return 0;
  c->fired = 1;
  errno = (int)c->error;
  return 1;
}

#define REAL(result, name, ...)                       \
  static result (*real)(__VA_ARGS__);                 \
  if (!real) real = dlsym(RTLD_NEXT, #name);
#define ON_FD(op, fd)                                 \
  do {                                                \
    int saved = errno;                                \
    struct control *c = control();                    \
    if (c && below_fd(c, fd) && fails(c, op)) return -1; \
    errno = saved;                                    \
  } while (0)
#define ON_PATH(op, path)                             \
  do {                                                \
    int saved = errno;                                \
    struct control *c = control();                    \
    if (c && below(c, path) && fails(c, op)) return -1;  \
    errno = saved;                                    \
  } while (0)

ssize_t write(int fd, const void *data, size_t n) { REAL(ssize_t, write, int, const void *, size_t); ON_FD(WRITE, fd); return real(fd, data, n); }
ssize_t pwrite(int fd, const void *data, size_t n, off_t at) { REAL(ssize_t, pwrite, int, const void *, size_t, off_t); ON_FD(WRITE, fd); return real(fd, data, n, at); }
ssize_t pwrite64(int fd, const void *data, size_t n, off64_t at) { REAL(ssize_t, pwrite64, int, const void *, size_t, off64_t); ON_FD(WRITE, fd); return real(fd, data, n, at); }
ssize_t writev(int fd, const struct iovec *v, int n) { REAL(ssize_t, writev, int, const struct iovec *, int); ON_FD(WRITE, fd); return real(fd, v, n); }
ssize_t read(int fd, void *data, size_t n) { REAL(ssize_t, read, int, void *, size_t); ON_FD(READ, fd); return real(fd, data, n); }
ssize_t pread(int fd, void *data, size_t n, off_t at) { REAL(ssize_t, pread, int, void *, size_t, off_t); ON_FD(READ, fd); return real(fd, data, n, at); }
ssize_t pread64(int fd, void *data, size_t n, off64_t at) { REAL(ssize_t, pread64, int, void *, size_t, off64_t); ON_FD(READ, fd); return real(fd, data, n, at); }
int fsync(int fd) { REAL(int, fsync, int); ON_FD(FSYNC, fd); return real(fd); }
int fdatasync(int fd) { REAL(int, fdatasync, int); ON_FD(FSYNC, fd); return real(fd); }
int rename(const char *from, const char *to) { REAL(int, rename, const char *, const char *); ON_PATH(RENAME, to); return real(from, to); }
int link(const char *from, const char *to) { REAL(int, link, const char *, const char *); ON_PATH(LINK, to); return real(from, to); }

int close(int fd) {
  REAL(int, close, int);
  struct control *c = control();
  int fail = c && below_fd(c, fd) && fails(c, CLOSE);
  int result = real(fd); /* the descriptor is gone either way, as Linux has it */
  if (fail) {
    errno = (int)c->error;
    return -1;
  }
  return result;
}
