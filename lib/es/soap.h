/* lib/es/soap.h: SOAP 1.2 around a message (fact book 5.1, 5.9). */
#ifndef OSPREY_ES_SOAP_H
#define OSPREY_ES_SOAP_H

#include "lib/codec/writer.h"
#include "lib/codec/xml.h"

#define SOAP_MESSAGE_MAX (2u * 1024 * 1024)
#define SOAP_ENV_NS      "http://www.w3.org/2003/05/soap-envelope"
#define SOAP_ENV_1_1_NS  "http://schemas.xmlsoap.org/soap/envelope/"
#define SOAP_WSA_NS      "http://www.w3.org/2005/08/addressing"
#define SOAP_WSSE_NS     "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"

enum soap_fault_code { SOAP_VERSION_MISMATCH, SOAP_MUST_UNDERSTAND, SOAP_SENDER, SOAP_RECEIVER, SOAP_FAULT_CODE_COUNT };
enum soap_subcode {
    SOAP_NO_SUBCODE,
    SOAP_INVALID_ADDRESSING_HEADER,
    SOAP_ADDRESSING_HEADER_REQUIRED,
    SOAP_ACTION_NOT_SUPPORTED,
    SOAP_INVALID_SECURITY, /* from here on: of WS-Security */
    SOAP_FAILED_AUTHENTICATION,
    SOAP_MESSAGE_EXPIRED,
    SOAP_SUBCODE_COUNT
};

/* A fault as it is on the wire. */
struct soap_fault {
    enum soap_fault_code code;
    enum soap_subcode subcode;
    struct span reason; /* for people */
};

const char *soap_fault_code_text(enum soap_fault_code code); /* "Sender" */
const char *soap_subcode_text(enum soap_subcode subcode);    /* "InvalidAddressingHeader"; "" */
/* 400 for what the sender did wrong, 500 for SOAP_RECEIVER. */
int soap_fault_http_status(enum soap_fault_code code);

void wr_soap_fault(struct writer *w, const struct soap_fault *fault); /* the Fault element */
/* Reads the Fault element that is current in r. */
struct soap_fault soap_fault_read(struct xml_reader *r, struct arena *a);

#endif
