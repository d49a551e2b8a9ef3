#include "unconfirmed.h"

#define UNSURE_CHOICE(name, value, option, place, meaning)
#define UNSURE_CODE(reason, place, meaning) { REASON_##reason, place, meaning },
const struct unconfirmed_code unconfirmed_codes[] = {
#include "unconfirmed.def"
};
#undef UNSURE_CHOICE
#undef UNSURE_CODE
const size_t unconfirmed_code_count = ARRAY_LEN(unconfirmed_codes);

#define UNSURE_CHOICE(name, value, option, place, meaning) { #name, value, option, place, meaning },
#define UNSURE_CODE(reason, place, meaning)
const struct unconfirmed_choice unconfirmed_choices[] = {
#include "unconfirmed.def"
};
#undef UNSURE_CHOICE
#undef UNSURE_CODE
const size_t unconfirmed_choice_count = ARRAY_LEN(unconfirmed_choices);
