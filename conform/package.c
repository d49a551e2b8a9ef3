#include "package.h"

#include <stdio.h>

const char PACKAGE_K[] = "8BAF473F2F8FD09487CCCBD7097C6862", PACKAGE_OPC[] = "8E27B6AF0E692E750F32667A3B14605D";
const uint8_t PACKAGE_KIC[16] = { 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38,
                                  0x39, 0x3A, 0x3B, 0x3C, 0x3D, 0x3E, 0x3F, 0x40 };
const uint8_t PACKAGE_KID[16] = { 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48,
                                  0x49, 0x4A, 0x4B, 0x4C, 0x4D, 0x4E, 0x4F, 0x50 };

static const char before_files[] =
    "[variables]\n"
    "iccid = 899997000000009001\nimsi = 999710000000001\nmnc-length = 2\nspn = Conform\nsmsc = +999710000000\n"
    "apn = start.demo\nusim-aid = A0000000871002FFFFFFFF8907090000\npol1 = 00\n"
    "[header]\nversion = 2.3\ntype = {spn}\npol1 = {pol1}\nconnectivity = {connectivity}\n"
    "[mf]\nmf pins=010A\nef-pl = \"en\"\nef-iccid = {ef-iccid}\n"
    "ef-dir records=1x38 = <61 <4F {usim-aid}> <50 \"USIM\">>\nef-arr records=14x33 = {access-rules}\n"
    "ef-umpc = 3C3C000000\n"
    "[pukCodes]\n01 value=00000000\n81 value=00000000\n"
    "[pinCodes]\n01 value=0000 puk=01 attributes=6\n0A value=3232323232323232 attributes=1 tries=10\n"
    "[usim]\nadf-usim fid=7FF0 aid={usim-aid} pins=01810A\nef-imsi = {ef-imsi}\nef-arr records=14x33 = {access-rules}\n"
    "ef-keys\nef-keysPS\nef-hpplmn\nef-ust = 000A040821000000000010000000\nef-sms records=5x176\nef-smsp = {ef-smsp}\n"
    "ef-smss\nef-spn = {ef-spn}\nef-est = 00\nef-start-hfn\nef-threshold\nef-psloci\nef-acc = {ef-acc}\nef-fplmn\n"
    "ef-loci\nef-ad = {ef-ad}\nef-ecc = 11F2FF 00\nef-epsloci\nef-epsnsc\n"
    "[pinCodes]\n81 value=0000 puk=81 attributes=3\n"
    "[akaParameter]\nalgorithm = milenage\nkey = 8BAF473F2F8FD09487CCCBD7097C6862\n"
    "opc = 8E27B6AF0E692E750F32667A3B14605D\nsqn = 000000000000\n";
static const char behind_files[] = "[securityDomain]\naid = A000000151000000\ntars msl=16 = B20100 000000\n"
                                   "key kvn=01 kid=01 type=88 usage=38 value=3132333435363738393A3B3C3D3E3F40\n"
                                   "key kvn=01 kid=02 type=88 usage=34 value=4142434445464748494A4B4C4D4E4F50\n"
                                   "key kvn=01 kid=03 type=88 usage=C8 value=5152535455565758595A5B5C5D5E5F60\n";

#define BALLAST_FILE     1500u /* a line of a source has a ceiling */
#define FILES_OF_ELEMENT 4u    /* and so has a profile element */

/* Files that only make the package longer. */
static void wr_ballast(struct writer *w, size_t size)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t at = 0; at < size; at += BALLAST_FILE) {
        size_t len = size - at < BALLAST_FILE ? size - at : BALLAST_FILE;
        if (at / BALLAST_FILE % FILES_OF_ELEMENT == 0)
            wr_text(w, "[genericFileManagement]\n");
        wr_printf(w, "file path=%04zX size=%zu arr=2F0602 = ", 0x6F7E + at / BALLAST_FILE, len);
        for (size_t i = 2 * at; i < 2 * (at + len); i++)
            wr_u8(w, (uint8_t)digits[(i * 7 + i / 16) % 16]);
        wr_text(w, "\n");
    }
}

enum err package_make(const struct package_wish *wish, struct arena *arena, struct span *ret)
{
    struct build_fault fault = { .text = "" };
    size_t size = wish->ballast ? wish->ballast : 16;
    struct writer w = wr_arena(arena, sizeof before_files + sizeof behind_files + 3 * size + 4096);
    char pol1[4];
    wr_text(&w, before_files);
    wr_ballast(&w, size);
    wr_text(&w, behind_files);
    if (w.err != ERR_NONE)
        return w.err;
    snprintf(pol1, sizeof pol1, "%02X", wish->pol1);
    const struct build_setting settings[] = { { SPAN_LIT("iccid"), span_text(wish->iccid) },
                                              { SPAN_LIT("pol1"), span_text(pol1) },
                                              { SPAN_LIT("imsi"), span_text(wish->imsi ? wish->imsi : "") } };
    size_t count = ARRAY_LEN(settings) - !wish->imsi;
    enum err err = profile_build(wr_span(&w), settings, count, arena, ret, &fault);
    if (err != ERR_NONE)
        fprintf(stderr, "osprey-conform: profile, line %u: %s\n", fault.line, fault.text);
    return err;
}
