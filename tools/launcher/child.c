/* SPDX-License-Identifier: MIT */
#include "child.h"

#include "descriptors.h"
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

void child_exec(char **argv, char **envp)
{
    char path[PATH_MAX];
    /* Not by execvp: it gives binaries that the kernel refuses to the shell, too. */
    if (program_find(argv[0], path) == 0 && program_is_elf(path))
        execve(path, argv, envp);
    else
        execvpe(argv[0], argv, envp);
}

static _Noreturn void begin(char **argv, char **envp, const struct signals *signals, int report)
{
    signals_restore(signals);
    descriptors_restore();
    child_exec(argv, envp);
    int error = errno;
    /* A pipe that nobody has written to takes four bytes at once. */
    if (write(report, &error, sizeof error) != sizeof error)
        _exit(CHILD_NOT_EXECUTABLE);
    _exit(child_exec_status(error));
}

/* What the child has to say before the exec closes its end: its errno, or nothing. */
static int read_error(int fd)
{
    int error = 0;
    ssize_t n;
    do
        n = read(fd, &error, sizeof error);
    while (n < 0 && errno == EINTR);
    return n == sizeof error ? error : 0;
}

pid_t child_start(char **argv, char **envp, const struct signals *signals, bool *forked)
{
    int report[2];
    *forked = false;
    if (pipe2(report, O_CLOEXEC))
        return -1;
    pid_t pid = fork();
    if (pid == 0)
        begin(argv, envp, signals, report[1]);
    int error = pid < 0 ? errno : 0;
    close(report[1]);
    if (pid > 0 && (error = read_error(report[0])) != 0) {
        waitpid(pid, NULL, 0);
        *forked = true;
    }
    close(report[0]);
    errno = error;
    return error ? -1 : pid;
}

int child_exec_status(int error)
{
    return error == ENOENT ? CHILD_NOT_FOUND : CHILD_NOT_EXECUTABLE;
}

int child_status(int status)
{
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
