/* operator/batch.h: osprey sm-sr change --eids FILE: many eUICCs move to another SM-SR, some at a time; and osprey keys rotate
 * --eids FILE: many get new keys. Each call is written to FILE.progress before it leaves and when it is answered: the same command goes on after a kill, repeats what
 * had no answer under the same call identifier, and tries again what failed. */
#ifndef OSPREY_OPERATOR_BATCH_H
#define OSPREY_OPERATOR_BATCH_H

#include "commands.h"

#define BATCH_MAX          65536u
#define BATCH_PARALLEL     8u
#define BATCH_PARALLEL_MAX 64u

enum batch_step { BATCH_LOOK, BATCH_PREPARE, BATCH_CHANGE, BATCH_ROTATE };
enum batch_outcome {
    BATCH_WAITING,
    BATCH_MOVED,   /* or: has new keys */
    BATCH_WARNING, /* the same, but */
    BATCH_FAILED,  /* it is as it was */
    BATCH_DOUBT,   /* the one or the other: asking once more settles it */
    BATCH_READY,   /* a dry run: it may be done */
    BATCH_OUTCOMES
};
struct batch_item {
    char eid[EID_TEXT_SIZE];
    enum batch_step step; /* the next call */
    enum batch_outcome outcome;
    bool asked;       /* that call may have left before: call_id is its identifier */
    bool there;       /* the new SM-SR says that it manages it already */
    char call_id[OP_CAMPAIGN_MAX + 40];
    uint32_t validity_s;  /* of that call */
    struct status status; /* of the last answer */
    char text[160];       /* why there was none */
};

/* ---- batch_book.c: what is read and written */
/* What is done with them, in words. */
struct batch_kind {
    enum batch_step first;
    const char *names[BATCH_OUTCOMES]; /* in progress and report */
    const char *words[BATCH_OUTCOMES]; /* for people */
    bool keeps_call; /* what is in doubt is asked for again by its call identifier, not begun anew */
};
extern const struct batch_kind BATCH_TO_MOVE, BATCH_TO_ROTATE;
struct batch_book {
    const struct batch_kind *kind;
    struct batch_item *items;
    size_t count;
    FILE *progress; /* NULL: a dry run */
    const char *via, *target; /* names of partners, for what people shall type; target NULL: there is none */
};
/* The EIDs of the file (one a line; # begins a comment), each with what is known of it from an earlier run. detail says
 * what is wrong, with the line. */
MUST_USE enum err batch_book_open(const char *path, const struct batch_kind *kind, bool dry_run, struct batch_book *ret,
                                  char *detail, size_t cap);
void batch_book_close(struct batch_book *b);
/* Before a call leaves, and after its answer. ERR_IO: the disk takes nothing any more. */
MUST_USE enum err batch_book_asked(struct batch_book *b, const struct batch_item *i);
MUST_USE enum err batch_book_answered(struct batch_book *b, const struct batch_item *i);
/* "120 of 500, 8 under way", on a terminal. */
void batch_show_progress(const struct op_session *s, const struct batch_book *b, size_t working);
/* Of the program, by what became of them. */
enum op_exit batch_exit(const struct batch_book *b);
size_t batch_count(const struct batch_book *b, enum batch_outcome outcome);
/* One eUICC is through; then all. report NULL: only shown. */
void batch_show_item(const struct op_session *s, const struct batch_book *b, const struct batch_item *i);
MUST_USE enum err batch_show_report(const struct op_session *s, const struct batch_book *b, const char *report);

/* ---- batch.c */
enum op_exit op_batch_change(struct op_session *s, const struct op_arguments *a);
/* ---- batch_keys.c */
enum op_exit op_batch_keys(struct op_session *s, const struct op_arguments *a);
/* ---- batch_rights.c: our PLMA and ONC, which do not travel with an EIS, are set at the new SM-SR as they are at the old
 * one. OP_OK, or why not, with detail. */
enum op_exit batch_rights(struct op_session *s, const struct op_partner *from, const struct op_partner *to);

#endif
