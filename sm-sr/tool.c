#include "tool.h"

#include <stdio.h>
#include <stdlib.h>

#include "config.h"
#include "lib/daemon/daemon.h"

int smsr_tool_cannot(const char *name, const char *detail)
{
    fprintf(stderr, "osprey-sm-sr %s: %s\n", name, detail);
    return 1;
}

int smsr_tool(const char *name, const char *config_path, smsr_tool_run *run, const void *words)
{
    char detail[CONFIG_DETAIL_MAX] = "";
    struct config *config = NULL;
    size_t count = 0;
    struct config_option *options = daemon_options(smsr_options, smsr_option_count, &count);
    enum err err = options ? config_load(config_path, options, count, &config, detail) : ERR_NO_MEMORY;
    int code = err == ERR_NONE ? run(words, config) : smsr_tool_cannot(name, *detail ? detail : err_text(err));
    config_free(config);
    free(options);
    return code;
}
