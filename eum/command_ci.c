/* osprey-eum ci: a root of trust. */
#include "commands.h"
#include "folder.h"
#include "lib/base/world.h"

#define DAY_MS   86400000ull
#define DAYS_MAX 36500u

static const struct command_option options[] = {
    { "out", "DIR", NULL, true, "the CI's folder" },
    { "oid", "OID", "2.999.1", false, "who the CI is, an object identifier" },
    { "name", "TEXT", "Osprey lab CI", false, "common name of its certificate" },
    { "curve", "CURVE", "P-256", false, "P-256 or brainpoolP256r1" },
    { "from", "DATE", NULL, false, "valid from that day; now when not given" },
    { "days", "N", "10950", false, "how long it is valid" },
};

struct ci_order {
    enum ec_curve curve;
    struct eum_validity validity;
};

static bool read_order(const struct call *call, struct ci_order *ret)
{
    uint64_t now_ms = world_clock()->now_ms(world_clock()), days = 0;
    if (ec_curve_read(call_text(call, "curve"), &ret->curve) != ERR_NONE) {
        call_misused(call, "--curve %s is not P-256 or brainpoolP256r1", call_text(call, "curve"));
        return false;
    }
    if (!call_date(call, "from", now_ms, &ret->validity.from_ms) || !call_number(call, "days", DAYS_MAX, &days))
        return false;
    ret->validity.to_ms = ret->validity.from_ms + days * DAY_MS;
    return true;
}

/* The key is written before the certificate, so that no certificate stands without its key. */
static enum err make_ci(const struct call *call, const struct ci_order *order, char *detail)
{
    const char *out = call_text(call, "out");
    struct keystore_soft *ks = NULL;
    struct ec_key *key = NULL;
    struct x509 *ci = NULL;
    enum err err = folder_open(out, world_rng(), &ks, detail);
    if (err == ERR_NONE)
        err = ec_generate(order->curve, world_rng(), &key);
    if (err == ERR_NONE)
        err = folder_put_key(out, ks, "ci", key, false, detail);
    if (err == ERR_NONE)
        err =
            eum_ci_certificate(call_text(call, "name"), call_text(call, "oid"), key, order->validity, world_rng(), &ci);
    if (err == ERR_NONE)
        err = folder_put_pem(out, "ci.pem", (const struct x509 *const[]){ ci }, 1, detail);
    x509_free(ci);
    keystore_soft_free(ks);
    return err;
}

static int run(const struct call *call)
{
    struct ci_order order;
    char detail[FOLDER_DETAIL_MAX] = "";
    if (strcmp(call->arguments[0], "init") != 0)
        return call_misused(call, "what to do is init, not %s", call->arguments[0]);
    if (!read_order(call, &order))
        return EXIT_USAGE;
    enum err err = make_ci(call, &order, detail);
    if (err != ERR_NONE)
        return call_failed(call, "no CI was made: %s", detail[0] ? detail : err_text(err));
    printf("CI %s (%s) in %s\n", call_text(call, "oid"), ec_curve_name(order.curve), call_text(call, "out"));
    return EXIT_GOOD;
}

const struct command command_ci = {
    "ci",
    "init",
    1,
    1,
    "makes a root: the CI that all certificates lead to",
    "  Writes DIR/ci.pem (its certificate), DIR/ci.key (its key, wrapped) and, if there is none, DIR/master.key.\n"
    "  An existing CI is never overwritten.\n\n"
    "  osprey-eum ci init --out ci --oid 2.999.1 --name \"Lab CI\"\n",
    options,
    ARRAY_LEN(options),
    run
};
