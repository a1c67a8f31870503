/* SPDX-License-Identifier: MIT */
#include "vault_send.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>

#include "sys.h"

#define WAIT_SECONDS 2 /* for a launcher whose queue is full */

static int connect_to(int socket, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        return -ENAMETOOLONG;
    }
    strcpy(address.sun_path, path);
    const struct timeval wait = {.tv_sec = WAIT_SECONDS};
    sys_call(SYS_setsockopt, socket, SOL_SOCKET, SO_SNDTIMEO, (long)&wait, sizeof wait, 0);
    long error;
    do {
        error = sys_call(SYS_connect, socket, (long)&address, sizeof address, 0, 0, 0);
    } while (error == -EINTR);
    return (int)error;
}

static int send_with(int socket, void *message, size_t size, int fd)
{
    struct iovec part = {.iov_base = message, .iov_len = size};
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof fd)];
    } control = {.header = {.cmsg_len = CMSG_LEN(sizeof fd),
                            .cmsg_level = SOL_SOCKET,
                            .cmsg_type = SCM_RIGHTS}};
    memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
    const struct msghdr m = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control.bytes};
    long sent;
    do {
        sent = sys_call(SYS_sendmsg, socket, (long)&m, MSG_NOSIGNAL, 0, 0, 0);
    } while (sent == -EINTR);
    return sent == (long)size ? 0 : sent < 0 ? (int)sent : -EIO;
}

int vault_send(const char *path, void *message, size_t size, int fd)
{
    /* The program's handlers must not find the descriptor, nor leave it behind by longjmp. */
    sys_sigset before = sys_block_signals();
    int s = (int)sys_call(SYS_socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, 0, 0, 0);
    int error = s < 0 ? s : connect_to(s, path);
    error = error ? error : send_with(s, message, size, fd);
    if (s >= 0) {
        sys_close(s);
    }
    sys_restore_signals(before);
    return error;
}
