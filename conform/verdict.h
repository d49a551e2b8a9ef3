/* conform/verdict.h: what a case is called and how it ended: of cards and of servers alike. */
#ifndef OSPREY_CONFORM_VERDICT_H
#define OSPREY_CONFORM_VERDICT_H

#define BED_DETAIL_MAX 240u

enum case_verdict { VERDICT_PASS, VERDICT_FAIL, VERDICT_SKIP };

struct bed;
struct case_def {
    unsigned number; /* of the fact book's list */
    const char *group, *name, *section;
    void (*run)(struct bed *); /* of a card; a server's case has its own (server/stage.h) */
};

#endif
