#include "subscribers.h"

#include <stdio.h>

#include "lib/codec/hex.h"

#define SECTION_MAX 40u

const struct config_option subscriber_options[] = {
    { "subscriber *", "algorithm", CONFIG_TEXT, "milenage", false, "milenage, tuak or xor (the test algorithm)" },
    { "subscriber *", "k", CONFIG_HEX, NULL, true, "the subscription's key: 16 octets (tuak: 16 or 32)" },
    { "subscriber *", "opc", CONFIG_HEX, "", false, "OPc (16 octets), or TOPc (32) for tuak" },
    { "subscriber *", "amf", CONFIG_HEX, "8000", false, "authentication management field" },
    { "subscriber *", "keccak_iterations", CONFIG_NUMBER, "1", false, "tuak only" },
    { "subscriber *", "msisdn", CONFIG_TEXT, "", false, "the number, digits" },
    { "subscriber *", "refused", CONFIG_BOOL, "no", false, "yes: authenticated, but the network does not take it" },
};
const size_t subscriber_option_count = ARRAY_LEN(subscriber_options);

static enum err algorithm_of(const char *name, enum aka_algorithm *ret)
{
    static const struct {
        const char *name;
        enum aka_algorithm algorithm;
    } known[] = { { "milenage", AKA_MILENAGE }, { "tuak", AKA_TUAK }, { "xor", AKA_XOR_TEST } };
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (!strcmp(name, known[i].name)) {
            *ret = known[i].algorithm;
            return ERR_NONE;
        }
    return ERR_BAD_VALUE;
}

static enum err read_keys(const struct config *file, const char *section, struct subscriber *s)
{
    uint8_t k[32], opc[32];
    size_t k_len = 0, opc_len = 0;
    enum aka_algorithm algorithm = AKA_MILENAGE;
    enum err err = algorithm_of(config_text(file, section, "algorithm"), &algorithm);
    if (err == ERR_NONE)
        err = hex_read(span_text(config_text(file, section, "k")), k, sizeof k, &k_len);
    if (err == ERR_NONE)
        err = hex_read(span_text(config_text(file, section, "opc")), opc, sizeof opc, &opc_len);
    if (err == ERR_NONE)
        err = hex_read_exact(span_text(config_text(file, section, "amf")), s->auc.amf, 2);
    if (err == ERR_NONE)
        err = aka_init(&s->auc.aka, algorithm, (struct span){ k, k_len }, (struct span){ opc, opc_len },
                       (unsigned)config_number(file, section, "keccak_iterations"));
    wipe(k, sizeof k);
    wipe(opc, sizeof opc);
    return err == ERR_NONE ? ERR_NONE : ERR_BAD_VALUE;
}

enum err subscriber_find(const struct config *file, const char *imsi, struct subscriber *ret)
{
    char section[SECTION_MAX];
    struct subscriber s = { 0 };
    snprintf(section, sizeof section, "subscriber %s", imsi);
    if (!config_has(file, section))
        return ERR_NOT_FOUND;
    enum err err = read_keys(file, section, &s);
    if (err != ERR_NONE)
        return err;
    snprintf(s.msisdn, sizeof s.msisdn, "%s", config_text(file, section, "msisdn"));
    s.refused = config_bool(file, section, "refused");
    *ret = s;
    wipe(&s, sizeof s);
    return ERR_NONE;
}

enum err subscribers_check(const struct config *file, char *detail)
{
    for (const char *section = NULL; (section = config_next(file, "subscriber", section));) {
        struct subscriber s;
        enum err err = subscriber_find(file, config_section_name(section), &s);
        wipe(&s, sizeof s);
        if (err == ERR_NONE)
            continue;
        snprintf(detail, CONFIG_DETAIL_MAX, "[%s]: algorithm, k, opc and amf do not fit together", section);
        return err;
    }
    return ERR_NONE;
}
