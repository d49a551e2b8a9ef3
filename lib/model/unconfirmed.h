/* lib/model/unconfirmed.h: the values of unconfirmed.def by their names, and the table for those who show it. */
#ifndef OSPREY_MODEL_UNCONFIRMED_H
#define OSPREY_MODEL_UNCONFIRMED_H

#include "status.h"

#define UNSURE_CODE(reason, place, meaning)
#define UNSURE_CHOICE(name, value, option, place, meaning) name = value,
enum unconfirmed_value {
#include "unconfirmed.def"
};
#undef UNSURE_CODE
#undef UNSURE_CHOICE

struct unconfirmed_code {
    enum reason reason;
    const char *place, *meaning; /* place: section of the fact book on what is off the card */
};
struct unconfirmed_choice {
    const char *name;
    uint32_t value;
    const char *option; /* of [partner NAME]; empty: none */
    const char *place, *meaning;
};
extern const struct unconfirmed_code unconfirmed_codes[];
extern const size_t unconfirmed_code_count;
extern const struct unconfirmed_choice unconfirmed_choices[];
extern const size_t unconfirmed_choice_count;

#endif
