/* SPDX-License-Identifier: MIT
 *
 * processes: ways to come into being. Each process prints what it allocated itself (counted.h).
 *
 *     processes tree            a parent, two children, a grandchild each
 *     processes chain P..       allocates, then executes P, which gets the rest of the arguments
 *     processes badexec         allocates, fails to execute, allocates
 *     processes vfork N         N times: vfork, execve that fails, _exit(127); then /bin/true
 *     processes rawfork HOW     fork by a system call: clone, fork, clone3; unseen: past all hooks
 *     processes spawn P..       posix_spawn of P, waits
 */
#include "counted.h"
#include "raw_exit.h"

#include <linux/sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>

extern char **environ;

static int wait_for(pid_t pid)
{
    int status;
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        abort();
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* What every process of the tree does: frees INHERITED, keeps 2 * N blocks, frees N of its own. */
static void work(void *inherited, int n)
{
    free(inherited); /* not this process's allocation: not counted here */
    for (int i = 0; i < n; i++)
        counted_free(counted_malloc(30), 30);
    counted_keep(2 * n, 50);
}

static int tree(void)
{
    void *first = counted_malloc(1000), *second = counted_malloc(2000);
    counted_keep(10, 100);
    pid_t children[2];
    for (int i = 0; i < 2; i++) {
        children[i] = fork();
        if (children[i] != 0)
            continue;
        counted_reset();
        work(first, 3 + i);
        pid_t grandchild = fork();
        if (grandchild == 0) {
            counted_reset();
            work(second, 7 + i);
            counted_print(i ? "grandchild 1" : "grandchild 0");
            exit(0);
        }
        if (wait_for(grandchild) != 0)
            abort();
        counted_print(i ? "child 1" : "child 0");
        exit(i);
    }
    if (wait_for(children[0]) != 0 || wait_for(children[1]) != 1)
        abort();
    counted_free(first, 1000);
    counted_print("parent");
    return 0;
}

static int chain(char **next)
{
    counted_keep(5, 60);
    counted_print(next[0] ? next[0] : "last");
    if (!next[0])
        return 9;
    char *arguments[16] = {next[0], "chain"};
    for (int i = 1; next[i] && i < 12; i++)
        arguments[i + 1] = next[i];
    execv(next[0], arguments);
    return 1;
}

static int bad_exec(void)
{
    counted_keep(10, 10);
    char *arguments[] = {"/nonexistent/program", NULL};
    execv(arguments[0], arguments);
    counted_keep(10, 20);
    execvp("no-such-program-anywhere", arguments);
    execve(arguments[0], arguments, environ);
    counted_print("badexec");
    return 0;
}

/* noinline: a variable of the caller's might be clobbered by vfork. */
static __attribute__((noinline)) pid_t vfork_and_exec(const char *program)
{
    pid_t pid = vfork();
    if (pid == 0) {
        execl(program, program, (char *)NULL);
        _exit(127);
    }
    return pid;
}

static int many_vforks(int n)
{
    counted_keep(10, 10);
    for (int i = 0; i < n; i++) {
        if (wait_for(vfork_and_exec("/nonexistent/program")) != 127)
            abort();
        counted_keep(1, 8);
    }
    if (wait_for(vfork_and_exec("/bin/true")) != 0)
        abort();
    counted_print("vfork");
    return 0;
}

static pid_t make_child(const char *how)
{
    if (strcmp(how, "unseen") == 0)
        return (pid_t)raw_fork(); /* by an instruction that no library sees */
#ifdef SYS_fork
    if (strcmp(how, "fork") == 0)
        return (pid_t)syscall(SYS_fork);
#endif
    if (strcmp(how, "clone3") == 0) {
        struct clone_args arguments = {.exit_signal = SIGCHLD};
        if (syscall(SYS_clone3, 8, sizeof arguments) != -1) /* nothing is there */
            abort();
        return (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
    }
    return (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static int fork_by_call(const char *how)
{
    counted_keep(10, 1000);
    void *first = counted_malloc(2000);
    const pid_t pid = make_child(how);
    if (pid == 0) {
        counted_reset();
        work(first, 3);
        counted_print("child");
        exit(0);
    }
    if (wait_for(pid) != 0)
        abort();
    counted_free(first, 2000);
    counted_print("parent");
    return 0;
}

static int spawn(char **program)
{
    pid_t pid;
    void *kept = counted_malloc(20);
    counted_print("spawn");
    if (posix_spawn(&pid, program[0], NULL, NULL, program, environ) != 0)
        return 1;
    __asm__ volatile("" ::"r"(kept));
    return wait_for(pid);
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "";
    if (strcmp(how, "tree") == 0)
        return tree();
    if (strcmp(how, "chain") == 0)
        return chain(argv + 2);
    if (strcmp(how, "badexec") == 0)
        return bad_exec();
    if (strcmp(how, "vfork") == 0 && argc > 2)
        return many_vforks(atoi(argv[2]));
    if (strcmp(how, "rawfork") == 0 && argc > 2)
        return fork_by_call(argv[2]);
    if (strcmp(how, "spawn") == 0 && argc > 2)
        return spawn(argv + 2);
    return 2;
}
