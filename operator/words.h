/* operator/words.h: subject and reason codes in the words of SGP.02. */
#ifndef OSPREY_OPERATOR_WORDS_H
#define OSPREY_OPERATOR_WORDS_H

const char *op_subject_words(const char *code); /* "8.2.3" → "POL2"; "unknown code" */
const char *op_reason_words(const char *code);  /* "3.8" → "Refused" */

#endif
