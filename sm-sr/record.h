/* sm-sr/record.h: the audit trail (SGP.02 §5.1.1.3.11): one record for each operation and each notification, chained by
 * hash (trail.h). May set t->need_rows. */
#ifndef OSPREY_SMSR_RECORD_H
#define OSPREY_SMSR_RECORD_H

#include "turn.h"

void smsr_record_operation(struct turn *t, const struct operation *op);
void smsr_record_notification(struct turn *t, const struct es5_notification *n);
/* The commit point of an SM-SR change: the trail that the former SM-SR sent along is part of this record. */
void smsr_record_taken_over(struct turn *t, const struct operation *op);

#endif
