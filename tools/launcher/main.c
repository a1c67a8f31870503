/* SPDX-License-Identifier: MIT */
#include "check.h"
#include "cli.h"
#include "die.h"
#include "recover.h"
#include "run.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Closed standard descriptors are closed for the program, too, but what the launcher opens must not
 * take their place, or a message would go there. Nothing can be read or written through these. */
static void fill_descriptors(void)
{
    int fd;
    do
        fd = open("/", O_PATH | O_CLOEXEC);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

static int print_about(const struct cli *cli)
{
    if (cli->help)
        cli_help(stdout);
    else
        puts("memprof " MEMPROF_VERSION);
    if (fflush(stdout) || ferror(stdout))
        die("'standard output': cannot be written");
    return 0;
}

int main(int argc, char **argv)
{
    static char messages[BUFSIZ];
    struct signals signals;
    struct error error = {""};
    struct cli cli;
    die_program = "memprof";
    if (recover_is_meant(argc, argv))
        return recover_main(argc, argv);
    fill_descriptors();
    /* Whole lines, so that they do not mix with those of the program. */
    setvbuf(stderr, messages, _IOLBF, sizeof messages);
    if (cli_parse(&cli, argc, argv, &error))
        die("%s", error.text);
    if (cli.help || cli.version)
        return print_about(&cli);
    signals_block(&signals);
    int status = cli.verb == FOR_CHECK ? check_verb(&cli, &signals) : run_verb(&cli, &signals);
    free(cli.gate);
    return status;
}
