#include "err.h"

static const char *const texts[ERR_COUNT] = {
    [ERR_NONE] = "no error",
    [ERR_TRUNCATED] = "the data end too early",
    [ERR_BAD_TAG] = "a tag that is not allowed here",
    [ERR_BAD_LENGTH] = "a length that is not possible here",
    [ERR_BAD_VALUE] = "a value that is not allowed",
    [ERR_MISSING] = "something mandatory is missing",
    [ERR_TOO_LONG] = "longer than the limit",
    [ERR_NO_SPACE] = "no space left",
    [ERR_NO_MEMORY] = "no memory left on this machine",
    [ERR_CLOSED] = "not open",
    [ERR_NOT_FOUND] = "not found",
    [ERR_EXISTS] = "exists already",
    [ERR_STATE] = "not possible in the present state",
    [ERR_DENIED] = "not allowed",
    [ERR_VERIFY] = "verification failed",
    [ERR_REPLAY] = "a repeat of something seen before",
    [ERR_EXPIRED] = "expired",
    [ERR_REVOKED] = "revoked",
    [ERR_UNLISTED] = "its issuer has no revocation list that is valid now",
    [ERR_UNSUPPORTED] = "not supported",
    [ERR_BUSY] = "busy, try again later",
    [ERR_IO] = "input or output failed",
    [ERR_CONFLICT] = "changed by somebody else meanwhile",
    [ERR_CRYPTO] = "the cryptographic library failed",
};

const char *err_text(enum err err)
{
    return (unsigned)err < ERR_COUNT && texts[err] ? texts[err] : "unknown error";
}
