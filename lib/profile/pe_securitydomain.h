/* lib/profile/pe_securitydomain.h: PE-SecurityDomain and PE-Application: GlobalPlatform instances inside the profile.
 * The first security domain of a package is the MNO-SD. */
#ifndef OSPREY_PROFILE_PE_SECURITYDOMAIN_H
#define OSPREY_PROFILE_PE_SECURITYDOMAIN_H

#include "pe_header.h"

#define SD_KEYS_MAX       64u
#define SD_COMPONENTS_MAX 8u
#define SD_DATA_MAX       64u /* STORE DATA pieces of one security domain */

struct toolkit_parameters {
    struct span toolkit, access, admin_access; /* TS 102 226, 8.2.1.3.2.2 */
};
struct contactless_parameters {
    struct span additional;
};
struct system_parameters {
    struct span volatile_quota, non_volatile_quota, global_service, implicit_selection, volatile_reserved,
        non_volatile_reserved, sim_access, contactless_protocol, user_interaction, cumulative_volatile,
        cumulative_non_volatile;
    struct contactless_parameters *contactless;
};
struct control_reference {
    struct span provider;
};

struct application_instance {
    struct span load_package_aid, class_aid, instance_aid;
    struct span extradite_aid; /* absent: the MNO-SD; for the MNO-SD itself the ISD-P */
    struct span privileges;    /* 1 or 3 octets */
    struct span life_cycle;    /* 07 when not stated */
    struct span install_parameters;
    struct system_parameters *system;
    struct toolkit_parameters *toolkit;
    DER_LIST_OF(struct span) process_data;
    struct control_reference *control;
};

struct key_component {
    struct span type; /* one octet: 80 DES, 88 AES, 85 PSK for TLS, … */
    struct span data;
    uint32_t mac_length;
};

struct key_object {
    struct span usage, access, identifier, version; /* usage 1 … 2 octets, the others one */
    struct span counter;                            /* SCP80 start value; 0 when absent */
    DER_LIST_OF(struct key_component) components;
};

struct open_perso_data {
    struct span restrict_parameter, contactless_parameters;
};
struct cat_tp_parameters {
    uint32_t sdu_size_max, pdu_size_max;
};

struct pe_security_domain {
    struct pe_header header;
    struct application_instance *instance;
    DER_LIST_OF(struct key_object) keys;
    DER_LIST_OF(struct span) perso_data; /* each one DGI: tag 2 octets, length, data */
    struct open_perso_data *open_perso_data;
    struct cat_tp_parameters *cat_tp;
};

struct load_package {
    struct span load_package_aid, security_domain_aid, code_limit, volatile_limit, data_limit, hash, load_block;
};

struct pe_application {
    struct pe_header header;
    struct load_package *load_package;
    DER_LIST_OF(struct application_instance) instances;
};

extern const struct der_type application_instance_type, key_object_type, pe_security_domain_type, pe_application_type;

#endif
