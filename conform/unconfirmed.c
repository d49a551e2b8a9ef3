#include "unconfirmed.h"

#include <stddef.h>

#include "lib/base/span.h"

#define TIMES "how long a card waits is its own affair"
#define POL1  "81 01 pp as what 3A06 holds"

/* The whole of it: every [?] that a case rests on. */
static const struct {
    unsigned number;
    const char *text;
} rows[] = {
    { 4, "EF 83 as the way to ask for memory" },
    { 13, "which of 6A88 and 6A80: both pass" },
    { 22, "what SCP03 does with a base key: only the receipt is judged" },
    { 25, "order and lengths of Host ID, SIN and SDIN in the derivation" },
    { 28, "key usage 5C for an SCP81 set" },
    { 42, "tag 87, its content and what follows from it" },
    { 43, "tag 87 and its content" },
    { 51, TIMES },
    { 52, TIMES },
    { 57, "80 with 4F as the form of the confirmation's answer" },
    { 69, TIMES },
    { 70, TIMES },
    { 73, "EF 83 as the way to ask for memory" },
    { 81, TIMES },
    { 82, TIMES },
    { 83, TIMES },
    { 86, "that lower security is always met with silence" },
    { 103, "whether F2 ends with the last identifier or the number of keys: the same here" },
    { 104, POL1 ", and 80 with 4F in the confirmation's answer" },
    { 105, POL1 },
    { 107, "the coding of the device's commands (ESx)" },
    { 111, "that the end of the script closed the channel: one card behaves so" },
    { 117, "the word for a key usage without verification" },
    { 127, "that a tag twice is bad data: it is not of the numbered list" },
};

const char *unconfirmed_text(unsigned number)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].number == number)
            return rows[i].text;
    return NULL;
}
