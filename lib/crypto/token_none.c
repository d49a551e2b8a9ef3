/* lib/crypto/token.h without p11-kit. */
#include "token.h"

#include <stdio.h>

static enum err without(char *ret_detail)
{
    if (ret_detail)
        snprintf(ret_detail, TOKEN_DETAIL_MAX, "this program was built without PKCS#11 (p11-kit)");
    return ERR_UNSUPPORTED;
}

bool token_uri_is(const char *text) { return strncmp(text, "pkcs11:", 7) == 0; }

enum err token_private_key(const char *uri, struct ec_key **ret, char *ret_detail)
{
    (void)uri, (void)ret;
    return without(ret_detail);
}

enum err token_seal(const char *uri, const uint8_t nonce[GCM_NONCE_LEN], struct span aad, struct span plain,
                    uint8_t *out, char *ret_detail)
{
    (void)uri, (void)nonce, (void)aad, (void)plain, (void)out;
    return without(ret_detail);
}

enum err token_open(const char *uri, const uint8_t nonce[GCM_NONCE_LEN], struct span aad, struct span sealed,
                    uint8_t *out, char *ret_detail)
{
    (void)uri, (void)nonce, (void)aad, (void)sealed, (void)out;
    return without(ret_detail);
}
