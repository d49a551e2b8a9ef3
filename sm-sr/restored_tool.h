/* sm-sr/restored_tool.h: `osprey-sm-sr after-restore`: the database was taken back to an earlier time, the cards were not. */
#ifndef OSPREY_SMSR_RESTORED_TOOL_H
#define OSPREY_SMSR_RESTORED_TOOL_H

/* The main() of that word; argv[0] is it. */
int smsr_restored_main(int argc, char **argv);

#endif
