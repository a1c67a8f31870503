/* SPDX-License-Identifier: MIT */
#include "keeping.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "support.h"
#include "vault.h"

static int listener = -1;

const char *keeping_begin(void)
{
    static struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = support_path("keeper");
    assert_true(strlen(path) < sizeof address.sun_path);
    strcpy(address.sun_path, path);
    listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(listener >= 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 8), 0);
    return address.sun_path;
}

void keeping_end(void)
{
    close(listener);
    unlink(support_path("keeper"));
}

int keeping_receive(void)
{
    int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (connection < 0) {
        return -1;
    }
    struct vault_hello hello;
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part = {.iov_base = &hello, .iov_len = sizeof hello};
    struct msghdr m = {.msg_iov = &part,
                       .msg_iovlen = 1,
                       .msg_control = &control,
                       .msg_controllen = sizeof control};
    int fd = -1;
    assert_int_equal(recvmsg(connection, &m, MSG_CMSG_CLOEXEC), sizeof hello);
    assert_string_equal(hello.magic, VAULT_MAGIC);
    assert_non_null(CMSG_FIRSTHDR(&m));
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof fd);
    close(connection);
    return fd;
}
