/* lib/base/err.h: what pure code says when bytes or arguments are not good.
 * A fault of a peer's bytes is an enum err; a function that could not do what a partner asked for is a struct status
 * (lib/model/status.h); a fault of ours is an assert. */
#ifndef OSPREY_BASE_ERR_H
#define OSPREY_BASE_ERR_H

#define MUST_USE __attribute__((warn_unused_result))

enum err {
    ERR_NONE = 0,
    ERR_TRUNCATED,   /* the bytes end before the value does */
    ERR_BAD_TAG,     /* a tag that is not allowed here, or a second time */
    ERR_BAD_LENGTH,  /* a length no value of this kind can have */
    ERR_BAD_VALUE,   /* right length, wrong content */
    ERR_MISSING,     /* something mandatory is not there */
    ERR_TOO_LONG,    /* over a named ceiling (…_MAX) */
    ERR_NO_SPACE,    /* the caller's buffer, arena or the card's memory is full */
    ERR_NO_MEMORY,   /* the machine has no memory */
    ERR_CLOSED,      /* the channel, session or file is not open (any more) */
    ERR_NOT_FOUND,   /* no such object */
    ERR_EXISTS,      /* there is one already */
    ERR_STATE,       /* not possible in the present state */
    ERR_DENIED,      /* the security state or a rule does not allow it */
    ERR_VERIFY,      /* a signature, MAC, cryptogram or receipt is wrong */
    ERR_REPLAY,      /* a counter or number that was seen before */
    ERR_EXPIRED,     /* a certificate or a time limit is over */
    ERR_REVOKED,     /* a certificate is on its issuer's revocation list */
    ERR_UNLISTED,    /* its issuer has no revocation list that is valid now, and one is required */
    ERR_UNSUPPORTED, /* well formed, but not something we do */
    ERR_BUSY,        /* try again later */
    ERR_IO,          /* a file, socket or database failed */
    ERR_CONFLICT,    /* another writer was faster: reload and try again */
    ERR_CRYPTO,      /* the cryptographic library failed */
    ERR_COUNT
};

/* Lower-case English for people, never NULL. */
const char *err_text(enum err err);

#endif
