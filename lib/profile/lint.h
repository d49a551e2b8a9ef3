/* lib/profile/lint.h: the rules a profile package must keep (order of elements, references, contents), for whoever
 * makes one. Reports every finding, not only the first. */
#ifndef OSPREY_PROFILE_LINT_H
#define OSPREY_PROFILE_LINT_H

#include "package.h"

enum lint_level { LINT_WARNING, LINT_ERROR };

struct lint_sink {
    /* element: number in the package from 0; offset: of the element */
    void (*finding)(struct lint_sink *, enum lint_level level, size_t element, uint32_t offset, const char *text);
};

/* Memory for the decoded package comes from arena. True when there is no finding of level LINT_ERROR. */
bool profile_lint(struct span package, struct arena *arena, struct lint_sink *sink);

#endif
