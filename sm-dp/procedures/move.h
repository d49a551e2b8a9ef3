/* sm-dp/procedures/move.h: an SM-SR change (SGP.02 §3.8) comes between a job and its eUICC. While it runs, the SM-SR is busy;
 * after it, the eUICC is unknown there, and ES3.HandleSMSRChangeNotification says where it is. A job that has something on the
 * card waits for that, and goes on, or cleans up, at the SM-SR that has the eUICC now. */
#ifndef OSPREY_SMDP_MOVE_H
#define OSPREY_SMDP_MOVE_H

#include "procedure.h"

/* Does this answer make the job wait? Then it asks again, later. */
bool smdp_job_waits(struct turn *t, struct job *j, const struct es3_answer *a);
/* It has waited long enough. */
void smdp_job_resume(struct turn *t, struct job *j);
/* This SM-SR has had the eUICC since then. */
void smdp_jobs_moved(struct turn *t, const struct oid *smsr, uint64_t since_ms);

#endif
