/* sim/search_log.h: what a long search has done stands in a file, a line for each chunk of seeds; a search that goes on with
 * that file does the other chunks, and its end tells the sum.
 *   chunk FIRST LAST WORLDS CALLS OK DOWNLOADS SWITCHES FAILED
 *   failed SCENARIO SEED INVARIANT */
#ifndef OSPREY_SIM_SEARCH_LOG_H
#define OSPREY_SIM_SEARCH_LOG_H

#include "scenario.h"

#define SEARCH_CHUNK 100u /* seeds */

struct search_sum {
    unsigned worlds, failed;
    struct sim_report all; /* calls, ok, downloads, switches; the rest of what this process did */
};
/* Is that chunk in the file? With its figures added to sum, which may be NULL. No file: nothing is done yet. */
bool search_log_has(const char *path, uint64_t first, uint64_t last, struct search_sum *sum);
/* False, with a word to stderr, when the file cannot be written. */
bool search_log_chunk(const char *path, uint64_t first, uint64_t last, const struct search_sum *done);
bool search_log_failure(const char *path, const char *scenario, uint64_t seed, const char *invariant);

#endif
