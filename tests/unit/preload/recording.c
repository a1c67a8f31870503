/* SPDX-License-Identifier: MIT */
#include "recording.h"

#include <stdio.h>

#include "dump.h"

struct recorder *recording;
char recording_out[4096];

void recording_restart(struct options *options)
{
    if (recording) {
        support_recorder_end(recording);
    }
    options->out = recording_out;
    recording = support_recorder(options);
}

int recording_setup(void **state)
{
    (void)state;
    struct options options = support_options();
    support_enter_directory();
    snprintf(recording_out, sizeof recording_out, "%s", support_path("dump.json"));
    recording_restart(&options);
    return 0;
}

int recording_teardown(void **state)
{
    (void)state;
    support_recorder_end(recording);
    recording = NULL;
    support_leave_directory();
    return 0;
}

json_t *recording_dump_to(const char *pattern)
{
    const struct dump_request request = {.reason = "api", .pattern = pattern};
    clock_calibrate(&recording->clock); /* as the way through an allocation does */
    assert_int_equal(dump_write(recording, &request), 0);
    return parsed_dump(pattern ? pattern : recording_out);
}

json_t *recording_dump(void)
{
    return recording_dump_to(NULL);
}
