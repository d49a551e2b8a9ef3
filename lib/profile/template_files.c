/* The rows of all templates. Legend: DIR(member, versions from, to, FID, ARR),
 * TR and BT(member, from, to, FID, size, ARR, SFI, high update activity, content),
 * LF and CY(member, from, to, FID, records, record length, ARR, SFI, high update activity, content),
 * FAMILY(kind, member, from, to, first FID, last FID, records, length, ARR, content). 0: the element must say. */
#include "template_files.h"

#define NONE TEMPLATE_NO_SFI
/* [?] The access rules of the CSIM templates are not known to us: PIN1 reads, ADM1 updates, unless the element says. */
#define CSIM_ARR 2

#define FF                                                                                                             \
    FILL_FF, { NULL, 0 }
#define REQUIRED                                                                                                       \
    FILL_REQUIRED, { NULL, 0 }
#define OCTETS(text)                                                                                                   \
    {                                                                                                                  \
        (const uint8_t *)(text), sizeof(text) - 1                                                                      \
    }
#define PATTERN(text) FILL_PATTERN, OCTETS(text)
#define REPEAT(text)  FILL_REPEAT, OCTETS(text)
#define TAIL(text)    FILL_TAIL, OCTETS(text)

#define DIR(m, from, to, fid, arr)                                                                                     \
    {                                                                                                                  \
        m, from, to, FILE_DF, fid, 0, 0, 0, arr, NONE, FF, false                                                       \
    }
#define TR(m, from, to, fid, size, arr, sfi, hu, ...)                                                                  \
    {                                                                                                                  \
        m, from, to, FILE_TRANSPARENT, fid, 0, size, 0, arr, sfi, __VA_ARGS__, hu                                      \
    }
#define BT(m, from, to, fid, size, arr, sfi, hu, ...)                                                                  \
    {                                                                                                                  \
        m, from, to, FILE_BER_TLV, fid, 0, size, 0, arr, sfi, __VA_ARGS__, hu                                          \
    }
#define LF(m, from, to, fid, records, len, arr, sfi, hu, ...)                                                          \
    {                                                                                                                  \
        m, from, to, FILE_LINEAR, fid, 0, len, records, arr, sfi, __VA_ARGS__, hu                                      \
    }
#define CY(m, from, to, fid, records, len, arr, sfi, hu, ...)                                                          \
    {                                                                                                                  \
        m, from, to, FILE_CYCLIC, fid, 0, len, records, arr, sfi, __VA_ARGS__, hu                                      \
    }
#define FAMILY_TR FILE_TRANSPARENT
#define FAMILY_LF FILE_LINEAR
#define FAMILY(kind, m, from, to, first, last, records, len, arr, ...)                                                 \
    {                                                                                                                  \
        m, from, to, FAMILY_##kind, first, last, len, records, arr, NONE, __VA_ARGS__, false                           \
    }

/* clang-format off */
static const struct template_file mf_files[] = {
    DIR(2, 1, 4, 0x3F00, 14), /* mf */
    TR(3, 1, 4, 0x2F05, 2, 1, 0x05, false, FF), /* ef-pl */
    TR(4, 1, 4, 0x2FE2, 10, 11, NONE, false, REQUIRED), /* ef-iccid */
    LF(5, 1, 4, 0x2F00, 0, 0, 10, 0x1E, false, REQUIRED), /* ef-dir */
    LF(6, 1, 4, 0x2F06, 0, 0, 10, NONE, false, REQUIRED), /* ef-arr */
    TR(7, 1, 4, 0x2F08, 5, 10, 0x08, false, FF), /* ef-umpc */
};
static const struct template_file cd_files[] = {
    DIR(2, 1, 4, 0x7F11, 14), /* df-cd */
    TR(3, 1, 4, 0x6F01, 0, 2, NONE, false, REQUIRED), /* ef-launchpad */
    FAMILY(TR, 4, 1, 4, 0x6F40, 0x6F7E, 0, 0, 2, REQUIRED), /* ef-icon */
};
static const struct template_file telecom_files[] = {
    DIR(2, 1, 4, 0x7F10, 14), /* df-telecom */
    LF(3, 1, 4, 0x6F06, 0, 0, 10, NONE, false, REQUIRED), /* ef-arr */
    LF(4, 1, 4, 0x6F53, 0, 0, 3, NONE, false, REQUIRED), /* ef-rma */
    TR(5, 1, 4, 0x6F54, 22, 3, NONE, false, REQUIRED), /* ef-sume */
    LF(6, 1, 4, 0x6FE0, 50, 24, 9, NONE, false, FF), /* ef-ice-dn */
    LF(7, 1, 4, 0x6FE1, 0, 0, 9, NONE, false, FF), /* ef-ice-ff */
    LF(8, 1, 4, 0x6FE5, 0, 0, 5, NONE, false, REQUIRED), /* ef-psismsc */
    DIR(9, 1, 4, 0x5F50, 14), /* df-graphics */
    LF(10, 1, 4, 0x4F20, 0, 0, 2, NONE, false, PATTERN("\x00\xFF")), /* ef-img */
    FAMILY(TR, 11, 1, 4, 0x4F40, 0x4F7F, 0, 0, 2, FF), /* ef-iidf */
    BT(12, 1, 4, 0x4F21, 0, 9, NONE, false, FF), /* ef-ice-graphics */
    TR(13, 1, 4, 0x4F01, 0, 10, NONE, false, REQUIRED), /* ef-launch-scws */
    FAMILY(TR, 14, 1, 4, 0x4F80, 0x4FBF, 0, 0, 10, REQUIRED), /* ef-icon */
    DIR(15, 1, 4, 0x5F3A, 14), /* df-phonebook */
    LF(16, 1, 4, 0x4F30, 0, 0, 2, NONE, false, REQUIRED), /* ef-pbr */
    FAMILY(LF, 17, 1, 4, 0x4F38, 0x4F3F, 0, 13, 5, PATTERN("\x00\xFF")), /* ef-ext1 */
    FAMILY(LF, 18, 1, 4, 0x4F40, 0x4F47, 0, 0, 5, FF), /* ef-aas */
    FAMILY(LF, 19, 1, 4, 0x4F48, 0x4F4F, 0, 0, 5, FF), /* ef-gas */
    TR(20, 1, 4, 0x4F22, 4, 5, NONE, false, PATTERN("\x00\x00\x00\x00")), /* ef-psc */
    TR(21, 1, 4, 0x4F23, 2, 5, NONE, true, PATTERN("\x00\x00")), /* ef-cc */
    TR(22, 1, 4, 0x4F24, 2, 5, NONE, true, PATTERN("\x00\x00")), /* ef-puid */
    FAMILY(LF, 23, 1, 4, 0x4F50, 0x4F57, 0, 0, 5, FF), /* ef-iap */
    FAMILY(LF, 24, 1, 4, 0x4F58, 0x4F5F, 0, 0, 5, FF), /* ef-adn */
    FAMILY(LF, 25, 1, 4, 0x4F60, 0x4F67, 0, 2, 5, PATTERN("\x00")), /* ef-pbc */
    FAMILY(LF, 26, 1, 4, 0x4F68, 0x4F6F, 0, 0, 5, FF), /* ef-anr */
    FAMILY(LF, 27, 1, 4, 0x4F70, 0x4F77, 0, 0, 5, REQUIRED), /* ef-puri */
    FAMILY(LF, 28, 1, 4, 0x4F78, 0x4F7F, 0, 0, 5, FF), /* ef-email */
    FAMILY(LF, 29, 1, 4, 0x4F80, 0x4F87, 0, 0, 5, FF), /* ef-sne */
    FAMILY(LF, 30, 1, 4, 0x4F88, 0x4F8F, 0, 2, 5, PATTERN("\x00\x00")), /* ef-uid */
    FAMILY(LF, 31, 1, 4, 0x4F90, 0x4F97, 0, 0, 5, PATTERN("\x00")), /* ef-grp */
    FAMILY(LF, 32, 1, 4, 0x4F98, 0x4F9F, 0, 0, 5, FF), /* ef-ccp1 */
    DIR(33, 1, 4, 0x5F3B, 14), /* df-multimedia */
    BT(34, 1, 4, 0x4F47, 0, 5, NONE, false, FF), /* ef-mml */
    BT(35, 1, 4, 0x4F48, 0, 5, NONE, false, FF), /* ef-mmdf */
    DIR(36, 1, 4, 0x5F3C, 14), /* df-mmss */
    TR(37, 1, 4, 0x4F20, 0, 2, 0x01, false, REQUIRED), /* ef-mlpl */
    TR(38, 1, 4, 0x4F21, 0, 2, 0x02, false, REQUIRED), /* ef-mspl */
    TR(39, 1, 4, 0x4F22, 1, 2, 0x03, false, REQUIRED), /* ef-mmssmode */
    DIR(40, 2, 4, 0x5F3D, 14), /* df-mcs */
    TR(41, 2, 4, 0x4F01, 0, 2, 0x01, false, REQUIRED), /* ef-mst */
    BT(42, 2, 4, 0x4F02, 0, 2, 0x02, false, REQUIRED), /* ef-mcs-config */
    DIR(43, 2, 4, 0x5F3E, 14), /* df-v2x */
    TR(44, 2, 4, 0x4F01, 0, 2, 0x01, false, REQUIRED), /* ef-vst */
    BT(45, 2, 4, 0x4F02, 0, 2, 0x02, false, REQUIRED), /* ef-v2x-config */
    TR(46, 2, 4, 0x4F03, 0, 2, NONE, false, REQUIRED), /* ef-v2xp-pc5 */
    TR(47, 2, 4, 0x4F04, 0, 2, NONE, false, REQUIRED), /* ef-v2xp-Uu */
};
static const struct template_file phonebook_files[] = {
    DIR(2, 1, 4, 0x5F3A, 14), /* df-phonebook */
    LF(3, 1, 4, 0x4F30, 0, 0, 2, NONE, false, REQUIRED), /* ef-pbr */
    FAMILY(LF, 4, 1, 4, 0x4F38, 0x4F3F, 0, 13, 5, PATTERN("\x00\xFF")), /* ef-ext1 */
    FAMILY(LF, 5, 1, 4, 0x4F40, 0x4F47, 0, 0, 5, FF), /* ef-aas */
    FAMILY(LF, 6, 1, 4, 0x4F48, 0x4F4F, 0, 0, 5, FF), /* ef-gas */
    TR(7, 1, 4, 0x4F22, 4, 5, NONE, false, PATTERN("\x00\x00\x00\x00")), /* ef-psc */
    TR(8, 1, 4, 0x4F23, 2, 5, NONE, true, PATTERN("\x00\x00")), /* ef-cc */
    TR(9, 1, 4, 0x4F24, 2, 5, NONE, true, PATTERN("\x00\x00")), /* ef-puid */
    FAMILY(LF, 10, 1, 4, 0x4F50, 0x4F57, 0, 0, 5, FF), /* ef-iap */
    FAMILY(LF, 11, 1, 4, 0x4F58, 0x4F5F, 0, 0, 5, FF), /* ef-adn */
    FAMILY(LF, 12, 1, 4, 0x4F60, 0x4F67, 0, 2, 5, PATTERN("\x00")), /* ef-pbc */
    FAMILY(LF, 13, 1, 4, 0x4F68, 0x4F6F, 0, 0, 5, FF), /* ef-anr */
    FAMILY(LF, 14, 1, 4, 0x4F70, 0x4F77, 0, 0, 5, REQUIRED), /* ef-puri */
    FAMILY(LF, 15, 1, 4, 0x4F78, 0x4F7F, 0, 0, 5, FF), /* ef-email */
    FAMILY(LF, 16, 1, 4, 0x4F80, 0x4F87, 0, 0, 5, FF), /* ef-sne */
    FAMILY(LF, 17, 1, 4, 0x4F88, 0x4F8F, 0, 2, 5, PATTERN("\x00\x00")), /* ef-uid */
    FAMILY(LF, 18, 1, 4, 0x4F90, 0x4F97, 0, 0, 5, PATTERN("\x00")), /* ef-grp */
    FAMILY(LF, 19, 1, 4, 0x4F98, 0x4F9F, 0, 0, 5, FF), /* ef-ccp1 */
};
static const struct template_file usim_files[] = {
    DIR(2, 1, 4, 0, 14), /* adf-usim */
    TR(3, 1, 4, 0x6F07, 9, 2, 0x07, false, REQUIRED), /* ef-imsi */
    LF(4, 1, 4, 0x6F06, 0, 0, 10, 0x17, false, REQUIRED), /* ef-arr */
    TR(5, 1, 4, 0x6F08, 33, 5, 0x08, true, PATTERN("\x07\xFF")), /* ef-keys */
    TR(6, 1, 4, 0x6F09, 33, 5, 0x09, true, PATTERN("\x07\xFF")), /* ef-keysPS */
    TR(7, 1, 4, 0x6F31, 1, 2, 0x12, false, PATTERN("\x0A")), /* ef-hpplmn */
    TR(8, 1, 1, 0x6F38, 14, 2, 0x04, false, REQUIRED), /* ef-ust */
    TR(8, 2, 4, 0x6F38, 17, 2, 0x04, false, REQUIRED), /* ef-ust */
    LF(9, 1, 4, 0x6F3B, 20, 26, 8, NONE, false, FF), /* ef-fdn */
    LF(10, 1, 4, 0x6F3C, 10, 176, 5, NONE, false, PATTERN("\x00\xFF")), /* ef-sms */
    LF(11, 1, 4, 0x6F42, 1, 38, 5, NONE, false, FF), /* ef-smsp */
    TR(12, 1, 4, 0x6F43, 2, 5, NONE, false, PATTERN("\xFF\xFF")), /* ef-smss */
    TR(13, 1, 4, 0x6F46, 17, 10, NONE, false, REQUIRED), /* ef-spn */
    TR(14, 1, 4, 0x6F56, 1, 8, 0x05, false, REQUIRED), /* ef-est */
    TR(15, 1, 4, 0x6F5B, 6, 5, 0x0F, true, PATTERN("\xF0\x00\x00\xF0\x00\x00")), /* ef-start-hfn */
    TR(16, 1, 4, 0x6F5C, 3, 2, 0x10, false, PATTERN("\xFF\xFF\xFF")), /* ef-threshold */
    TR(17, 1, 4, 0x6F73, 14, 5, 0x0C, true, PATTERN("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x00\x00\xFF\x01")), /* ef-psloci */
    TR(18, 1, 4, 0x6F78, 2, 2, 0x06, false, REQUIRED), /* ef-acc */
    TR(19, 1, 4, 0x6F7B, 12, 5, 0x0D, false, FF), /* ef-fplmn */
    TR(20, 1, 4, 0x6F7E, 11, 5, 0x0B, true, PATTERN("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x00\x00\xFF\x01")), /* ef-loci */
    TR(21, 1, 4, 0x6FAD, 4, 10, 0x03, false, PATTERN("\x00\x00\x00\x02")), /* ef-ad */
    LF(22, 1, 4, 0x6FB7, 1, 4, 10, 0x01, false, REQUIRED), /* ef-ecc */
    TR(23, 1, 4, 0x6FC4, 128, 5, NONE, true, FF), /* ef-netpar */
    TR(24, 1, 4, 0x6FE3, 18, 5, 0x1E, true, PATTERN("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x00\x00\x01")), /* ef-epsloci */
    LF(25, 1, 4, 0x6FE4, 1, 80, 5, 0x18, true, FF), /* ef-epsnsc */
};
static const struct template_file opt_usim_files[] = {
    TR(2, 1, 4, 0x6F05, 6, 1, 0x02, false, FF), /* ef-li */
    TR(3, 1, 4, 0x6F37, 3, 5, NONE, false, PATTERN("\x00\x00\x00")), /* ef-acmax */
    CY(4, 1, 4, 0x6F39, 1, 3, 7, NONE, true, PATTERN("\x00\x00\x00")), /* ef-acm */
    TR(5, 1, 4, 0x6F3E, 8, 2, NONE, false, REQUIRED), /* ef-gid1 */
    TR(6, 1, 4, 0x6F3F, 8, 2, NONE, false, REQUIRED), /* ef-gid2 */
    LF(7, 1, 4, 0x6F40, 1, 24, 2, NONE, false, FF), /* ef-msisdn */
    TR(8, 1, 4, 0x6F41, 5, 5, NONE, false, PATTERN("\xFF\xFF\xFF\x00\x00")), /* ef-puct */
    TR(9, 1, 4, 0x6F45, 10, 5, NONE, false, FF), /* ef-cbmi */
    TR(10, 1, 4, 0x6F48, 10, 2, 0x0E, false, FF), /* ef-cbmid */
    LF(11, 1, 4, 0x6F49, 10, 24, 2, NONE, false, FF), /* ef-sdn */
    LF(12, 1, 4, 0x6F4B, 10, 13, 8, NONE, false, PATTERN("\x00\xFF")), /* ef-ext2 */
    LF(13, 1, 4, 0x6F4C, 10, 13, 2, NONE, false, PATTERN("\x00\xFF")), /* ef-ext3 */
    TR(14, 1, 4, 0x6F50, 20, 5, NONE, false, FF), /* ef-cbmir */
    TR(15, 1, 4, 0x6F60, 40, 5, 0x0A, false, REPEAT("\xFF\xFF\xFF\x00\x00")), /* ef-plmnwact */
    TR(16, 1, 4, 0x6F61, 40, 2, 0x11, false, REPEAT("\xFF\xFF\xFF\x00\x00")), /* ef-oplmnwact */
    TR(17, 1, 4, 0x6F62, 5, 2, 0x13, false, REPEAT("\xFF\xFF\xFF\x00\x00")), /* ef-hplmnwact */
    TR(18, 1, 4, 0x6F2C, 16, 5, NONE, false, FF), /* ef-dck */
    TR(19, 1, 4, 0x6F32, 30, 2, NONE, false, FF), /* ef-cnl */
    LF(20, 1, 4, 0x6F47, 10, 30, 5, NONE, false, PATTERN("\x00\xFF")), /* ef-smsr */
    LF(21, 1, 4, 0x6F4D, 10, 25, 8, NONE, false, FF), /* ef-bdn */
    LF(22, 1, 4, 0x6F4E, 10, 13, 5, NONE, false, PATTERN("\x00\xFF")), /* ef-ext5 */
    LF(23, 1, 4, 0x6F4F, 5, 15, 5, 0x16, false, FF), /* ef-ccp2 */
    LF(24, 1, 4, 0x6F55, 10, 13, 8, NONE, false, PATTERN("\x00\xFF")), /* ef-ext4 */
    TR(25, 1, 4, 0x6F57, 101, 8, NONE, false, PATTERN("\x00\xFF")), /* ef-acl */
    LF(26, 1, 4, 0x6F58, 10, 11, 2, NONE, false, FF), /* ef-cmi */
    CY(27, 1, 4, 0x6F80, 20, 38, 5, 0x14, true, TAIL("\x00\x00\x00\x00\x01\xFF\xFF")), /* ef-ici */
    CY(28, 1, 4, 0x6F81, 20, 37, 5, 0x15, true, TAIL("\x00\x00\x00\x01\xFF\xFF")), /* ef-oci */
    CY(29, 1, 4, 0x6F82, 1, 3, 7, NONE, true, PATTERN("\x00\x00\x00")), /* ef-ict */
    CY(30, 1, 4, 0x6F83, 1, 3, 7, NONE, true, PATTERN("\x00\x00\x00")), /* ef-oct */
    TR(31, 1, 4, 0x6FB1, 20, 2, NONE, false, REQUIRED), /* ef-vgcs */
    TR(32, 1, 4, 0x6FB2, 7, 5, NONE, false, REQUIRED), /* ef-vgcss */
    TR(33, 1, 4, 0x6FB3, 20, 2, NONE, false, REQUIRED), /* ef-vbs */
    TR(34, 1, 4, 0x6FB4, 7, 5, NONE, false, REQUIRED), /* ef-vbss */
    TR(35, 1, 4, 0x6FB5, 2, 2, NONE, false, REQUIRED), /* ef-emlpp */
    TR(36, 1, 4, 0x6FB6, 1, 5, NONE, false, PATTERN("\x00")), /* ef-aaem */
    TR(37, 1, 4, 0x6FC3, 4, 5, NONE, false, FF), /* ef-hiddenkey */
    LF(38, 1, 4, 0x6FC5, 10, 16, 10, 0x19, false, REQUIRED), /* ef-pnn */
    LF(39, 1, 4, 0x6FC6, 5, 8, 10, 0x1A, false, REQUIRED), /* ef-opl */
    LF(40, 1, 4, 0x6FC7, 3, 24, 5, NONE, false, REQUIRED), /* ef-mbdn */
    LF(41, 1, 4, 0x6FC8, 10, 13, 5, NONE, false, PATTERN("\x00\xFF")), /* ef-ext6 */
    LF(42, 1, 4, 0x6FC9, 10, 5, 5, NONE, false, REQUIRED), /* ef-mbi */
    LF(43, 1, 4, 0x6FCA, 10, 6, 5, NONE, true, PATTERN("\x00")), /* ef-mwis */
    LF(44, 1, 4, 0x6FCB, 10, 16, 5, NONE, false, PATTERN("\x01\x00\xFF")), /* ef-cfis */
    LF(45, 1, 4, 0x6FCC, 10, 13, 5, NONE, false, PATTERN("\x00\xFF")), /* ef-ext7 */
    TR(46, 1, 4, 0x6FCD, 17, 2, 0x1B, false, REQUIRED), /* ef-spdi */
    LF(47, 1, 4, 0x6FCE, 10, 6, 5, NONE, false, PATTERN("\x00\x00\x00\xFF")), /* ef-mmsn */
    LF(48, 1, 4, 0x6FCF, 10, 13, 5, NONE, false, PATTERN("\x00\xFF")), /* ef-ext8 */
    TR(49, 1, 4, 0x6FD0, 100, 2, NONE, false, FF), /* ef-mmsicp */
    LF(50, 1, 4, 0x6FD1, 0, 0, 5, NONE, false, FF), /* ef-mmsup */
    TR(51, 1, 4, 0x6FD2, 100, 5, NONE, false, FF), /* ef-mmsucp */
    LF(52, 1, 4, 0x6FD3, 5, 11, 2, NONE, false, FF), /* ef-nia */
    TR(53, 1, 4, 0x6FD4, 0, 2, NONE, false, PATTERN("\x00")), /* ef-vgcsca */
    TR(54, 1, 4, 0x6FD5, 0, 2, NONE, false, PATTERN("\x00")), /* ef-vbsca */
    TR(55, 1, 4, 0x6FD6, 0, 5, NONE, false, FF), /* ef-gbabp */
    LF(56, 1, 4, 0x6FD7, 0, 0, 2, NONE, true, FF), /* ef-msk */
    LF(57, 1, 4, 0x6FD8, 0, 0, 2, NONE, false, FF), /* ef-muk */
    TR(58, 1, 4, 0x6FD9, 15, 2, 0x1D, false, FF), /* ef-ehplmn */
    LF(59, 1, 4, 0x6FDA, 0, 0, 2, NONE, false, FF), /* ef-gbanl */
    TR(60, 1, 4, 0x6FDB, 1, 2, NONE, false, PATTERN("\x00")), /* ef-ehplmnpi */
    TR(61, 1, 4, 0x6FDC, 1, 2, NONE, false, PATTERN("\x00")), /* ef-lrplmnsi */
    LF(62, 1, 4, 0x6FDD, 0, 0, 2, NONE, false, FF), /* ef-nafkca */
    TR(63, 1, 4, 0x6FDE, 0, 10, NONE, false, PATTERN("\x00\xFF")), /* ef-spni */
    LF(64, 1, 4, 0x6FDF, 0, 0, 10, NONE, false, PATTERN("\x00\xFF")), /* ef-pnni */
    LF(65, 1, 4, 0x6FE2, 0, 0, 2, NONE, false, REQUIRED), /* ef-ncp-ip */
    TR(66, 1, 4, 0x6FE6, 30, 10, NONE, false, PATTERN("\x80\x1E\x60\xC0\x1E\x90\x00\x80\x04\x00\x00\x00\x00\x00\x00\x00\x00\xF0\x00\x00\x00\x00\x40\x00\x00\x00\x00\x00\x00\x80")), /* ef-ufc */
    TR(67, 1, 4, 0x6FE8, 18, 2, NONE, false, REQUIRED), /* ef-nasconfig */
    LF(68, 1, 4, 0x6FE7, 0, 0, 2, NONE, false, REQUIRED), /* ef-uicciari */
    TR(69, 1, 4, 0x6FEC, 0, 10, NONE, false, REQUIRED), /* ef-pws */
    LF(70, 1, 4, 0x6FED, 0, 0, 8, NONE, false, FF), /* ef-fdnuri */
    LF(71, 1, 4, 0x6FEE, 0, 0, 8, NONE, false, FF), /* ef-bdnuri */
    LF(72, 1, 4, 0x6FEF, 0, 0, 2, NONE, false, FF), /* ef-sdnuri */
    LF(73, 1, 4, 0x6FF0, 0, 0, 3, NONE, false, FF), /* ef-ial */
    CY(74, 1, 4, 0x6FF1, 0, 4, 10, NONE, true, FF), /* ef-ips */
    LF(75, 1, 4, 0x6FF2, 0, 0, 3, NONE, true, FF), /* ef-ipd */
    TR(76, 2, 4, 0x6FF3, 0, 2, NONE, false, REQUIRED), /* ef-epdgid */
    TR(77, 2, 4, 0x6FF4, 0, 2, NONE, false, REQUIRED), /* ef-epdgselection */
    TR(78, 2, 4, 0x6FF5, 0, 2, NONE, false, REQUIRED), /* ef-epdgidem */
    TR(79, 2, 4, 0x6FF6, 0, 2, NONE, false, REQUIRED), /* ef-epdgselectionem */
    TR(80, 2, 4, 0x6FF7, 1, 2, NONE, false, PATTERN("\x00")), /* ef-frompreferred */
    BT(81, 2, 4, 0x6FF8, 0, 2, NONE, false, REQUIRED), /* ef-imsconfigdata */
    TR(82, 2, 4, 0x6FF9, 4, 2, NONE, false, REQUIRED), /* ef-3gpppsdataoff */
    LF(83, 2, 4, 0x6FFA, 0, 0, 2, NONE, false, REQUIRED), /* ef-3gpppsdataoffservicelist */
    BT(84, 2, 4, 0x6FFC, 0, 2, NONE, false, REQUIRED), /* ef-xcapconfigdata */
    TR(85, 2, 4, 0x6FFD, 0, 10, NONE, false, REQUIRED), /* ef-earfcnlist */
    BT(86, 2, 4, 0x6FFE, 0, 2, NONE, false, REQUIRED), /* ef-mudmidconfigdata */
    TR(87, 3, 4, 0x6F01, 1, 3, NONE, false, REQUIRED), /* ef-eaka */
};
static const struct template_file gsm_access_files[] = {
    DIR(2, 1, 4, 0x5F3B, 14), /* df-gsm-access */
    TR(3, 1, 4, 0x4F20, 9, 5, 0x01, true, TAIL("\x07")), /* ef-kc */
    TR(4, 1, 4, 0x4F52, 9, 5, 0x02, true, TAIL("\x07")), /* ef-kcgprs */
    TR(5, 1, 4, 0x4F63, 10, 5, NONE, true, FF), /* ef-cpbcch */
    TR(6, 1, 4, 0x4F64, 1, 2, NONE, false, PATTERN("\x00")), /* ef-invscan */
};
static const struct template_file isim_files[] = {
    DIR(2, 1, 4, 0, 14), /* adf-isim */
    TR(3, 1, 4, 0x6F02, 0, 2, 0x02, false, REQUIRED), /* ef-impi */
    LF(4, 1, 4, 0x6F04, 1, 0, 2, 0x04, false, REQUIRED), /* ef-impu */
    TR(5, 1, 4, 0x6F03, 0, 2, 0x05, false, REQUIRED), /* ef-domain */
    TR(6, 1, 4, 0x6F07, 14, 2, 0x07, false, REQUIRED), /* ef-ist */
    TR(7, 1, 4, 0x6FAD, 3, 10, 0x03, false, PATTERN("\x00\x00\x00")), /* ef-ad */
    LF(8, 1, 4, 0x6F06, 0, 0, 10, 0x06, false, REQUIRED), /* ef-arr */
};
static const struct template_file opt_isim_files[] = {
    LF(2, 1, 4, 0x6F09, 1, 0, 2, NONE, false, REQUIRED), /* ef-pcscf */
    LF(3, 1, 4, 0x6F3C, 10, 176, 5, NONE, false, PATTERN("\x00\xFF")), /* ef-sms */
    LF(4, 1, 4, 0x6F42, 1, 38, 5, NONE, false, FF), /* ef-smsp */
    TR(5, 1, 4, 0x6F43, 2, 5, NONE, false, PATTERN("\xFF\xFF")), /* ef-smss */
    LF(6, 1, 4, 0x6F47, 10, 30, 5, NONE, false, PATTERN("\x00\xFF")), /* ef-smsr */
    TR(7, 1, 4, 0x6FD5, 0, 5, NONE, false, FF), /* ef-gbabp */
    LF(8, 1, 4, 0x6FD7, 0, 0, 2, NONE, false, FF), /* ef-gbanl */
    LF(9, 1, 4, 0x6FDD, 0, 0, 2, NONE, false, FF), /* ef-nafkca */
    LF(10, 1, 4, 0x6FE7, 0, 0, 2, NONE, false, REQUIRED), /* ef-uicciari */
    TR(11, 2, 4, 0x6FF7, 1, 2, NONE, false, PATTERN("\x00")), /* ef-frompreferred */
    BT(12, 2, 4, 0x6FF8, 0, 2, NONE, false, REQUIRED), /* ef-imsconfigdata */
    BT(13, 2, 4, 0x6FFC, 0, 2, NONE, false, REQUIRED), /* ef-xcapconfigdata */
    LF(14, 2, 4, 0x6FFA, 0, 0, 2, NONE, false, REQUIRED), /* ef-webrtcuri */
    BT(15, 2, 4, 0x6FFE, 0, 2, NONE, false, REQUIRED), /* ef-mudmidconfigdata */
};
static const struct template_file eap_files[] = {
    DIR(2, 1, 4, 0, 14), /* df-eap */
    TR(3, 1, 4, 0x4F01, 0, 2, NONE, true, REQUIRED), /* ef-eapkeys */
    TR(4, 1, 4, 0x4F02, 1, 2, NONE, true, PATTERN("\x00")), /* ef-eapstatus */
    TR(5, 1, 4, 0x4F03, 0, 2, NONE, false, REQUIRED), /* ef-puid */
    TR(6, 1, 4, 0x4F04, 0, 5, NONE, true, FF), /* ef-ps */
    TR(7, 1, 4, 0x4F20, 0, 5, NONE, true, FF), /* ef-curid */
    TR(8, 1, 4, 0x4F21, 0, 5, NONE, false, REQUIRED), /* ef-reid */
    TR(9, 1, 4, 0x4F22, 0, 5, NONE, false, REQUIRED), /* ef-realm */
};
static const struct template_file df_5gs_files[] = {
    DIR(2, 1, 4, 0x5FC0, 14), /* df-df-5gs */
    TR(3, 1, 4, 0x4F01, 20, 5, 0x01, true, PATTERN("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x00\x00\x00\x01")), /* ef-5gs3gpploci */
    TR(4, 1, 4, 0x4F02, 20, 5, 0x02, true, PATTERN("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x00\x00\x00\x01")), /* ef-5gsn3gpploci */
    LF(5, 1, 2, 0x4F03, 1, 57, 5, 0x03, true, FF), /* ef-5gs3gppnsc */
    LF(5, 3, 4, 0x4F03, 2, 62, 5, 0x03, true, FF), /* ef-5gs3gppnsc */
    LF(6, 1, 2, 0x4F04, 1, 57, 5, 0x04, true, FF), /* ef-5gsn3gppnsc */
    LF(6, 3, 4, 0x4F04, 2, 62, 5, 0x04, true, FF), /* ef-5gsn3gppnsc */
    TR(7, 1, 4, 0x4F05, 110, 5, 0x05, true, REQUIRED), /* ef-5gauthkeys */
    TR(8, 1, 4, 0x4F06, 4, 2, 0x06, false, REQUIRED), /* ef-uac-aic */
    TR(9, 1, 4, 0x4F07, 0, 2, 0x07, false, FF), /* ef-suci-calc-info */
    LF(10, 1, 4, 0x4F08, 0, 10, 10, 0x08, false, FF), /* ef-opl5g */
    TR(11, 1, 4, 0x4F09, 0, 2, 0x09, false, REQUIRED), /* ef-supinai */
    TR(12, 1, 3, 0x4F0A, 4, 2, 0x0A, false, PATTERN("\xF0\xFF\xFF\xFF")), /* ef-routing-indicator */
    TR(12, 4, 4, 0x4F0A, 4, 2, 0x0A, false, PATTERN("\xF0\xFF\x00\x00")), /* ef-routing-indicator */
    BT(13, 2, 4, 0x4F0B, 0, 2, NONE, false, FF), /* ef-ursp */
    TR(14, 2, 4, 0x4F0C, 1, 2, 0x0C, false, PATTERN("\x00")), /* ef-tn3gppsnn */
    TR(15, 4, 4, 0x4F0D, 2, 2, 0x0D, false, REQUIRED), /* ef-cag */
    TR(16, 4, 4, 0x4F0E, 0, 2, 0x0E, false, REQUIRED), /* ef-sor-cmci */
    TR(17, 4, 4, 0x4F0F, 7, 2, 0x0F, false, REQUIRED), /* ef-dri */
    TR(18, 4, 4, 0x4F10, 2, 2, 0x10, false, REQUIRED), /* ef-5gsedrx */
    TR(19, 4, 4, 0x4F11, 1, 2, 0x11, false, REQUIRED), /* ef-5gnswo-conf */
    TR(20, 4, 4, 0x4F15, 1, 2, 0x15, false, REQUIRED), /* ef-mchpplmn */
    TR(21, 4, 4, 0x4F16, 1, 2, 0x16, false, REQUIRED), /* ef-kausf-derivation */
};
static const struct template_file df_saip_files[] = {
    DIR(2, 1, 4, 0x5FD0, 14), /* df-df-saip */
    TR(3, 1, 4, 0x4F01, 0, 3, NONE, false, FF), /* ef-suci-calc-info-usim */
};
static const struct template_file df_snpn_files[] = {
    DIR(2, 1, 4, 0x5FE0, 14), /* df-df-snpn */
    TR(3, 1, 4, 0x4F01, 1, 10, NONE, false, REQUIRED), /* ef-pws-snpn */
};
static const struct template_file df_5gprose_files[] = {
    DIR(2, 1, 4, 0x5FF0, 14), /* df-df-5g-prose */
    TR(3, 1, 4, 0x4F01, 1, 2, 0x01, false, REQUIRED), /* ef-5g-prose-st */
    TR(4, 1, 4, 0x4F02, 26, 2, 0x02, false, REQUIRED), /* ef-5g-prose-dd */
    TR(5, 1, 4, 0x4F03, 12, 2, 0x03, false, REQUIRED), /* ef-5g-prose-dc */
    TR(6, 1, 4, 0x4F04, 32, 2, 0x04, false, REQUIRED), /* ef-5g-prose-u2nru */
    TR(7, 1, 4, 0x4F05, 29, 2, 0x05, false, REQUIRED), /* ef-5g-prose-ru */
    TR(8, 1, 4, 0x4F06, 32, 2, 0x06, false, REQUIRED), /* ef-5g-prose-uir */
};
static const struct template_file csim_files[] = {
    DIR(2, 1, 4, 0, 14), /* adf-csim */
    LF(3, 1, 4, 0x6F06, 0, 0, CSIM_ARR, 0x17, false, FF), /* ef-arr */
    CY(4, 1, 4, 0x6F21, 10, 2, CSIM_ARR, NONE, false, FF), /* ef-call-count */
    TR(5, 1, 4, 0x6F22, 10, CSIM_ARR, 0x04, false, FF), /* ef-imsi-m */
    TR(6, 1, 4, 0x6F23, 10, CSIM_ARR, 0x05, false, FF), /* ef-imsi-t */
    TR(7, 1, 4, 0x6F24, 16, CSIM_ARR, 0x06, false, FF), /* ef-tmsi */
    TR(8, 1, 4, 0x6F25, 2, CSIM_ARR, NONE, false, FF), /* ef-ah */
    TR(9, 1, 4, 0x6F26, 1, CSIM_ARR, NONE, false, FF), /* ef-aop */
    TR(10, 1, 4, 0x6F27, 7, CSIM_ARR, NONE, false, FF), /* ef-aloc */
    LF(11, 1, 4, 0x6F28, 0, 0, CSIM_ARR, 0x0C, false, FF), /* ef-cdmahome */
    LF(12, 1, 4, 0x6F29, 0, 0, CSIM_ARR, NONE, false, FF), /* ef-znregi */
    TR(13, 1, 4, 0x6F2A, 7, CSIM_ARR, 0x0D, false, FF), /* ef-snregi */
    TR(14, 1, 4, 0x6F2B, 8, CSIM_ARR, NONE, false, FF), /* ef-distregi */
    TR(15, 1, 4, 0x6F2C, 1, CSIM_ARR, 0x03, false, FF), /* ef-accolc */
    TR(16, 1, 4, 0x6F2D, 1, CSIM_ARR, NONE, false, FF), /* ef-term */
    TR(17, 1, 4, 0x6F2F, 7, CSIM_ARR, NONE, false, FF), /* ef-acp */
    TR(18, 1, 4, 0x6F30, 0, CSIM_ARR, 0x07, false, FF), /* ef-prl */
    TR(19, 1, 4, 0x6F31, 0, CSIM_ARR, NONE, false, FF), /* ef-ruimid */
    TR(20, 1, 4, 0x6F32, 0, CSIM_ARR, 0x02, false, FF), /* ef-csim-st */
    TR(21, 1, 4, 0x6F33, 3, CSIM_ARR, NONE, false, FF), /* ef-spc */
    TR(22, 1, 4, 0x6F34, 1, CSIM_ARR, NONE, false, FF), /* ef-otapaspc */
    TR(23, 1, 4, 0x6F35, 1, CSIM_ARR, NONE, false, FF), /* ef-namlock */
    TR(24, 1, 4, 0x6F36, 17, CSIM_ARR, NONE, false, FF), /* ef-ota */
    TR(25, 1, 4, 0x6F37, 1, CSIM_ARR, NONE, false, FF), /* ef-sp */
    TR(26, 1, 4, 0x6F38, 8, CSIM_ARR, NONE, false, FF), /* ef-esn-meid-me */
    TR(27, 1, 4, 0x6F3A, 0, CSIM_ARR, 0x0A, false, FF), /* ef-li */
    TR(28, 1, 4, 0x6F42, 1, CSIM_ARR, NONE, false, FF), /* ef-usgind */
    TR(29, 1, 4, 0x6F43, 3, CSIM_ARR, 0x01, false, FF), /* ef-ad */
    TR(30, 1, 4, 0x6F45, 4, CSIM_ARR, NONE, false, FF), /* ef-max-prl */
    TR(31, 1, 4, 0x6F46, 1, CSIM_ARR, NONE, false, FF), /* ef-spcs */
    TR(32, 1, 4, 0x6F55, 3, CSIM_ARR, NONE, false, FF), /* ef-mecrp */
    TR(33, 1, 4, 0x6F70, 0, CSIM_ARR, NONE, false, FF), /* ef-home-tag */
    TR(34, 1, 4, 0x6F71, 0, CSIM_ARR, NONE, false, FF), /* ef-group-tag */
    TR(35, 1, 4, 0x6F72, 0, CSIM_ARR, NONE, false, FF), /* ef-specific-tag */
    TR(36, 1, 4, 0x6F73, 0, CSIM_ARR, NONE, false, FF), /* ef-call-prompt */
};
static const struct template_file opt_csim_files[] = {
    TR(2, 1, 4, 0x6F2E, 1, CSIM_ARR, NONE, false, FF), /* ef-ssci */
    LF(3, 1, 4, 0x6F3B, 0, 0, CSIM_ARR, NONE, false, FF), /* ef-fdn */
    LF(4, 1, 4, 0x6F3C, 0, 0, CSIM_ARR, NONE, false, FF), /* ef-sms */
    LF(5, 1, 4, 0x6F3D, 0, 0, CSIM_ARR, NONE, false, FF), /* ef-smsp */
    TR(6, 1, 4, 0x6F3E, 0, CSIM_ARR, NONE, false, FF), /* ef-smss */
    TR(7, 1, 4, 0x6F3F, 0, CSIM_ARR, NONE, false, FF), /* ef-ssfc */
    TR(8, 1, 4, 0x6F41, 35, CSIM_ARR, 0x08, false, FF), /* ef-spn */
    LF(9, 1, 4, 0x6F44, 0, 0, CSIM_ARR, NONE, false, FF), /* ef-mdn */
    TR(10, 1, 4, 0x6F47, 0, CSIM_ARR, 0x09, false, FF), /* ef-ecc */
    TR(11, 1, 4, 0x6F48, 1, CSIM_ARR, NONE, false, FF), /* ef-me3gpdopc */
    TR(12, 1, 4, 0x6F49, 1, CSIM_ARR, NONE, false, FF), /* ef-3gpdopm */
    TR(13, 1, 4, 0x6F4A, 4, CSIM_ARR, NONE, false, FF), /* ef-sipcap */
    TR(14, 1, 4, 0x6F4B, 5, CSIM_ARR, NONE, false, FF), /* ef-mipcap */
    TR(15, 1, 4, 0x6F4C, 0, CSIM_ARR, NONE, false, FF), /* ef-sipupp */
    TR(16, 1, 4, 0x6F4D, 0, CSIM_ARR, NONE, false, FF), /* ef-mipupp */
    TR(17, 1, 4, 0x6F4E, 1, CSIM_ARR, NONE, false, FF), /* ef-sipsp */
    TR(18, 1, 4, 0x6F4F, 0, CSIM_ARR, NONE, false, FF), /* ef-mipsp */
    TR(19, 1, 4, 0x6F50, 0, CSIM_ARR, NONE, false, FF), /* ef-sippapss */
    TR(22, 1, 4, 0x6F56, 3, CSIM_ARR, NONE, false, FF), /* ef-hrpdcap */
    TR(23, 1, 4, 0x6F57, 0, CSIM_ARR, NONE, false, FF), /* ef-hrpdupp */
    TR(24, 1, 4, 0x6F58, 1, CSIM_ARR, NONE, false, FF), /* ef-csspr */
    TR(25, 1, 4, 0x6F59, 1, CSIM_ARR, NONE, false, FF), /* ef-atc */
    TR(26, 1, 4, 0x6F5A, 0, CSIM_ARR, 0x0E, false, FF), /* ef-eprl */
    LF(30, 1, 4, 0x6F5E, 0, 0, CSIM_ARR, NONE, false, FF), /* ef-bcsmsp */
    LF(33, 1, 4, 0x6F65, 0, 0, CSIM_ARR, NONE, false, FF), /* ef-mmsn */
    LF(34, 1, 4, 0x6F66, 0, 0, CSIM_ARR, NONE, false, FF), /* ef-ext8 */
    TR(35, 1, 4, 0x6F67, 0, CSIM_ARR, NONE, false, FF), /* ef-mmsicp */
    LF(36, 1, 4, 0x6F68, 0, 0, CSIM_ARR, NONE, false, FF), /* ef-mmsup */
    TR(37, 1, 4, 0x6F69, 0, CSIM_ARR, NONE, false, FF), /* ef-mmsucp */
    TR(39, 1, 4, 0x6F6B, 32, CSIM_ARR, 0x0B, false, FF), /* ef-3gcik */
    TR(41, 1, 4, 0x6F6D, 0, CSIM_ARR, NONE, false, FF), /* ef-gid1 */
    TR(42, 1, 4, 0x6F6E, 0, CSIM_ARR, NONE, false, FF), /* ef-gid2 */
    TR(44, 1, 4, 0x6F74, 7, CSIM_ARR, NONE, false, FF), /* ef-sf-euimid */
    TR(45, 1, 4, 0x6F75, 0, CSIM_ARR, 0x0F, false, FF), /* ef-est */
    TR(46, 1, 4, 0x6F76, 0, CSIM_ARR, NONE, false, FF), /* ef-hidden-key */
    LF(49, 1, 4, 0x6F79, 0, 0, CSIM_ARR, NONE, false, FF), /* ef-sdn */
    LF(50, 1, 4, 0x6F7A, 0, 0, CSIM_ARR, NONE, false, FF), /* ef-ext2 */
    LF(51, 1, 4, 0x6F7B, 0, 0, CSIM_ARR, NONE, false, FF), /* ef-ext3 */
    CY(52, 1, 4, 0x6F7C, 0, 0, CSIM_ARR, 0x10, false, FF), /* ef-ici */
    CY(53, 1, 4, 0x6F7D, 0, 0, CSIM_ARR, 0x11, false, FF), /* ef-oci */
    LF(54, 1, 4, 0x6F7E, 0, 0, CSIM_ARR, NONE, false, FF), /* ef-ext5 */
    LF(55, 1, 4, 0x6F7F, 0, 0, CSIM_ARR, 0x12, false, FF), /* ef-ccp2 */
    TR(57, 1, 4, 0x6F81, 126, CSIM_ARR, NONE, false, FF), /* ef-model */
};
/* clang-format on */

#define TEMPLATE(kind, number, version, by_default, rows)                                                              \
    {                                                                                                                  \
        kind, number, version, by_default, rows, ARRAY_LEN(rows)                                                       \
    }
const struct fs_template fs_templates[] = {
    TEMPLATE(PE_MF, 1, 1, true, mf_files),
    TEMPLATE(PE_CD, 2, 1, false, cd_files),
    TEMPLATE(PE_TELECOM, 3, 1, false, telecom_files),
    TEMPLATE(PE_TELECOM, 3, 2, false, telecom_files),
    TEMPLATE(PE_USIM, 4, 1, true, usim_files),
    TEMPLATE(PE_USIM, 4, 2, true, usim_files),
    TEMPLATE(PE_OPT_USIM, 5, 1, false, opt_usim_files),
    TEMPLATE(PE_OPT_USIM, 5, 2, false, opt_usim_files),
    TEMPLATE(PE_OPT_USIM, 5, 3, false, opt_usim_files),
    TEMPLATE(PE_PHONEBOOK, 6, 1, false, phonebook_files),
    TEMPLATE(PE_GSM_ACCESS, 7, 1, false, gsm_access_files),
    TEMPLATE(PE_ISIM, 8, 1, true, isim_files),
    TEMPLATE(PE_OPT_ISIM, 9, 1, false, opt_isim_files),
    TEMPLATE(PE_OPT_ISIM, 9, 2, false, opt_isim_files),
    TEMPLATE(PE_CSIM, 10, 1, true, csim_files),
    TEMPLATE(PE_CSIM, 10, 2, true, csim_files),
    TEMPLATE(PE_OPT_CSIM, 11, 1, false, opt_csim_files),
    TEMPLATE(PE_OPT_CSIM, 11, 2, false, opt_csim_files),
    TEMPLATE(PE_EAP, 12, 1, false, eap_files),
    TEMPLATE(PE_DF_5GS, 13, 1, false, df_5gs_files),
    TEMPLATE(PE_DF_5GS, 13, 2, false, df_5gs_files),
    TEMPLATE(PE_DF_5GS, 13, 3, false, df_5gs_files),
    TEMPLATE(PE_DF_5GS, 13, 4, false, df_5gs_files),
    TEMPLATE(PE_DF_SAIP, 14, 1, false, df_saip_files),
    TEMPLATE(PE_DF_SNPN, 15, 1, false, df_snpn_files),
    TEMPLATE(PE_DF_5GPROSE, 16, 1, false, df_5gprose_files),
    { PE_IOT, 17, 1, true, NULL, 0 }, /* rows of other templates: template.c */
    { PE_OPT_IOT, 18, 1, false, NULL, 0 },
};
const size_t fs_template_count = ARRAY_LEN(fs_templates);
