/* sm-sr/trail_tool.h: osprey-sm-sr audit-trail export | verify: reads the audit trail from the database of an SM-SR
 * (an SQLite file only while no SM-SR has it open, or from a copy). docs/audit-trail.md */
#ifndef OSPREY_SMSR_TRAIL_TOOL_H
#define OSPREY_SMSR_TRAIL_TOOL_H

/* argv[0] is "audit-trail". Exit code 0: good; 1: cannot be read; 2: wrong usage; 3: the trail was changed. */
int smsr_trail_main(int argc, char **argv);

#endif
