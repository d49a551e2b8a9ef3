/* euicc/isdp/installation.h: the inside of an installation, for the install_*.c files. A profile is built as a tree of
 * nodes in memory; install_commit.c writes it into the card. */
#ifndef OSPREY_EUICC_ISDP_INSTALLATION_H
#define OSPREY_EUICC_ISDP_INSTALLATION_H

#include "applications.h"
#include "euicc/card.h"
#include "euicc/uicc/naa.h"
#include "euicc/uicc/pin.h"
#include "install.h"
#include "lib/profile/file_body.h"
#include "lib/profile/package.h"
#include "lib/profile/response.h"

#define INSTALL_NODES_MAX     FS_FILES_MAX
#define INSTALL_PINS_MAX      128u
#define INSTALL_PUKS_MAX      16u
#define INSTALL_NAAS_MAX      16u
#define INSTALL_STATUSES_MAX  16u
#define INSTALL_FILE_OVERHEAD 16u            /* octets a file counts beyond its body */
#define INSTALL_ELEMENT_MAX   (512u * 1024u) /* octets a decoded element may take */

#define NO_NODE 0xFFFFu

struct node {            /* a file that will be */
    struct fs_file file; /* parent and link are node numbers here */
    uint8_t *body;       /* NULL: DF or link */
    uint32_t body_len;   /* BER-TLV: octets of objects so far; else file.size */
    uint32_t owner;      /* identification of its element */
};

struct staged_pin {
    uint16_t context; /* node */
    bool shared;
    uint16_t with; /* node, when shared */
    struct pin pin;
    uint32_t owner;
};

struct staged_naa {
    uint16_t adf; /* node */
    struct naa naa;
    uint64_t sqn[NAA_SQN_COUNT];
    uint32_t owner;
};

struct staged_sd {
    struct application_sd info;
    struct keyset sets[16];
    uint64_t counters[16];
    size_t set_count;
    struct span other_keys[APPLICATION_OTHER_KEYS_MAX]; /* what does not fit a key set, in the arena */
    size_t other_key_count;
    struct span data[APPLICATION_DATA_MAX]; /* TLVs or DGIs, in the arena */
    size_t data_count;
    uint32_t owner;
};

struct undo { /* a body that an element changed */
    uint16_t node;
    uint8_t *body;
    uint32_t body_len;
    struct undo *next;
};

/* What an element may change; put back when an element that is not mandated fails. */
struct install_marks {
    size_t node_count, pin_count, puk_count, naa_count, sd_count, rfm_count;
    uint16_t adf[3], last_adf, pin_context;
    uint32_t size;
    bool has_mf;
};
enum adf_kind { ADF_USIM, ADF_ISIM, ADF_CSIM };

struct installation {
    struct card *card;
    uint16_t slot;
    struct arena arena;   /* what lives to the end */
    struct arena element; /* the element in hand, in element_memory */
    void *element_memory;
    struct package_reader package;
    enum install_result result;
    uint8_t response[INSTALL_RESPONSE_MAX];
    size_t response_len;

    struct pe_status statuses[INSTALL_STATUSES_MAX];
    size_t status_count;
    struct pe_header pe; /* of the element in hand */
    uint32_t at;         /* fault inside it; DER_ABSENT */
    uint32_t additional; /* DER_ABSENT */

    bool has_header;
    uint32_t quota; /* 0: none */
    uint8_t iccid[ISDP_ICCID_LEN], pol1;
    struct span connectivity;
    struct span iot_pix; /* of an IoT minimal profile, in the arena; empty: another profile */
    struct span multi_imsi, local_switch; /* contents of our own PE-NonStandard, in the arena; empty: none */

    struct node *nodes;
    size_t node_capacity;
    struct install_marks now;
    size_t made_before; /* nodes that were there before the element in hand */
    struct undo *undo;
    struct staged_pin *pins;
    struct puk puks[INSTALL_PUKS_MAX];
    struct staged_naa *naas;
    struct staged_sd *sds[APPLICATION_SDS_MAX];
    struct application_rfm rfms[APPLICATION_RFMS_MAX];
    uint32_t rfm_owner[APPLICATION_RFMS_MAX];
    struct {
        uint16_t adf;
        struct span raw;
    } cdma[4];
    size_t cdma_count;
};

/* Handlers: 0 is PE_STATUS_OK; anything else is the status of the element. */
typedef enum pe_status_code install_handler(struct installation *in, const struct profile_element *pe);
install_handler install_header, install_filesystem, install_iot, install_gfm, install_pins, install_puks, install_aka, install_cdma,
    install_sd, install_rfm, install_non_standard, install_end;

/* PIN1 of an IoT minimal profile that says nothing of it (install_access.c). */
enum pe_status_code iot_default_pin(struct installation *in);

enum pe_status_code status_of_err(enum err err);
/* Keeps octets beyond the element. .ptr NULL: no memory. */
struct span keep(struct installation *in, struct span s);

/* ---- nodes (install_files.c) ---- */
uint16_t node_child(const struct installation *in, uint16_t df, uint16_t fid); /* NO_NODE */
uint16_t node_by_path(const struct installation *in, struct span path);        /* from the MF; empty: the MF */
uint16_t node_by_aid(const struct installation *in, struct span aid);
bool node_is_df(const struct installation *in, uint16_t node);
/* Creates the file with its pattern. */
enum pe_status_code node_create(struct installation *in, uint16_t parent, const struct file_spec *spec, uint16_t *ret);
enum pe_status_code node_write(struct installation *in, uint16_t node, uint32_t *position,
                               const struct file_item *item);
/* Writes at the end (install_commit.c). *ret_owner: the element that a failure belongs to. */
enum pe_status_code install_commit(struct installation *in, uint32_t *ret_owner);

#endif
