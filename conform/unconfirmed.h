/* conform/unconfirmed.h: which expectations the specification at hand leaves open. */
#ifndef OSPREY_CONFORM_UNCONFIRMED_H
#define OSPREY_CONFORM_UNCONFIRMED_H

/* What is not confirmed of a numbered case, in words for its detail; NULL: nothing. */
const char *unconfirmed_text(unsigned number);

#endif
