/* sm-sr/tool.h: words of the program that are no daemon: they read its configuration, do one thing, and end. */
#ifndef OSPREY_SMSR_TOOL_H
#define OSPREY_SMSR_TOOL_H

#include "lib/daemon/config.h"

typedef int smsr_tool_run(const void *words, const struct config *config);
/* The exit code of run; 1 when the configuration cannot be read. name: of the tool, for what it says. */
int smsr_tool(const char *name, const char *config_path, smsr_tool_run *run, const void *words);
/* Says on standard error why not; 1. */
int smsr_tool_cannot(const char *name, const char *detail);

#endif
