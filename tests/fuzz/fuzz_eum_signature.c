/* Property: no signature by a key that nobody has ever verifies, whatever the octets, and reading them harms nobody. */
#include <assert.h>

#include "lib/crypto/ec.h"
#include "lib/es/eum_signature.h"

static const char signed_info[] = "<r:EumSignedInfo xmlns:r=\"http://namespaces.gsma.org/esim-messaging/3\"><r:Eid>"
                                  "89049032118123456789012300000109</r:Eid></r:EumSignedInfo>";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ec_key *key;
    struct eis eis = { .signed_info = SPAN_LIT(signed_info), .signature = { data, size } };
    struct eum_key_info info;
    struct arena a;
    if (!key && ec_generate(EC_P256, NULL, &key) != ERR_NONE)
        return 0;
    arena_init(&a, 1u << 20);
    if (eum_key_info(&eis, &a, &info) == ERR_NONE)
        assert(info.ski.len <= 64);
    assert(eum_verify_with(&eis, key) != ERR_NONE);
    arena_release(&a);
    return 0;
}
