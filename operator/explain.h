/* operator/explain.h: --explain: what goes over the wire, in words and as indented XML, on stderr. */
#ifndef OSPREY_OPERATOR_EXPLAIN_H
#define OSPREY_OPERATOR_EXPLAIN_H

#include <stdio.h>

#include "session.h"

void op_explain(const struct op_session *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Indented, long values cut. */
void op_print_xml(FILE *out, struct span soap);
void op_explain_out(const struct op_session *s, const char *url, struct span soap);
void op_explain_in(const struct op_session *s, const char *what, struct span soap);

#endif
