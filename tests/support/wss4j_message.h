/* tests/support/wss4j_message.h: an ES4.GetEIS that Apache WSS4J signed as it does by itself: lists of prefixes, its
 * certificate inside, the Timestamp over after 2026-11-23T03:43:22Z. Body, Timestamp, certificate and every header of
 * WS-Addressing are covered. In pieces: tags and texts. */
#ifndef OSPREY_TESTS_WSS4J_MESSAGE_H
#define OSPREY_TESTS_WSS4J_MESSAGE_H

#define WSS4J_SIGNED_AT "2026-11-23T03:38:30Z"
#define WSS4J_EXPIRES   "2026-11-23T03:43:22.669Z"

static const char *const wss4j_pieces[] = {
    "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?>",
    "<e:Envelope xmlns:e=\"http://www.w3.org/2003/05/soap-envelope\" xmlns=\"http://h.example:8080/a?b=c%20d"
    "#e\" xmlns:wsa=\"http://www.w3.org/2005/08/addressing\" xmlns:x=\"tag:x,2005:y\">",
    "<e:Header>",
    "<wsse:Security xmlns:wsse=\"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext"
    "-1.0.xsd\" xmlns:wsu=\"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0."
    "xsd\" e:mustUnderstand=\"true\">",
    "<wsse:BinarySecurityToken EncodingType=\"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap"
    "-message-security-1.0#Base64Binary\" ValueType=\"http://docs.oasis-open.org/wss/2004/01/oasis-200401-w"
    "ss-x509-token-profile-1.0#X509v3\" wsu:Id=\"X509-1E3A563A56A950229617954051026762\">",
    "MIIB9DCCAZqgAwIBAgIQcWwJkJtgDkMFirpK4/KxmzAKBggqhkjOPQQDAjApMQ8wDQYDVQQKDAZPc3ByZXkxFjAUBgNVBAMMDU9z"
    "cHJleSBsYWIgQ0kwHhcNMjYxMTIzMDMzODIwWhcNMzYxMTIwMDMzODIwWjAqMQ8wDQYDVQQKDAZPc3ByZXkxFzAVBgNVBAMMDlRl"
    "c3QgYXMtc2lnbmVyMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE+946U6eefxVF/l4KHO8yVmLT5IAmpW3RfFX+Jiq7s2kpld96"
    "M/bxOLRck2PdC36hl/ufAqMdz1soKGwqSy1/baOBojCBnzAMBgNVHRMBAf8EAjAAMA4GA1UdDwEB/wQEAwIHgDAdBgNVHSUEFjAU"
    "BggrBgEFBQcDAQYIKwYBBQUHAwIwHQYDVR0OBBYEFKppdsNpV0V2QD6YaEpBDBrZ8OgsMB8GA1UdIwQYMBaAFM7xYfe0/Pvi12ds"
    "BTM1mkQtpv0RMCAGA1UdEQQZMBeIBIg3PAqCCWxvY2FsaG9zdIcEfwAAATAKBggqhkjOPQQDAgNIADBFAiB2IHp+xm7rWaN2iQ5m"
    "dKh86k5Sv//3+v1b9Amy8ZwsxQIhAL6OOQ19uxZuUSPfUf1hEOX+GDsmKSTkv3fmXoZDg5nw",
    "</wsse:BinarySecurityToken>",
    "<wsu:Timestamp wsu:Id=\"TS-1E3A563A56A950229617954051026751\">",
    "<wsu:Created>",
    "2026-11-23T03:38:22.669Z",
    "</wsu:Created>",
    "<wsu:Expires>",
    "2026-11-23T03:43:22.669Z",
    "</wsu:Expires>",
    "</wsu:Timestamp>",
    "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" Id=\"SIG-1E3A563A56A950229617954051027221"
    "1\">",
    "<ds:SignedInfo>",
    "<ds:CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\">",
    "<ec:InclusiveNamespaces xmlns:ec=\"http://www.w3.org/2001/10/xml-exc-c14n#\" PrefixList=\"#default e ws"
    "a x\"/>",
    "</ds:CanonicalizationMethod>",
    "<ds:SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256\"/>",
    "<ds:Reference URI=\"#id-1E3A563A56A950229617954051027055\">",
    "<ds:Transforms>",
    "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\">",
    "<ec:InclusiveNamespaces xmlns:ec=\"http://www.w3.org/2001/10/xml-exc-c14n#\" PrefixList=\"#default wsa "
    "x\"/>",
    "</ds:Transform>",
    "</ds:Transforms>",
    "<ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/>",
    "<ds:DigestValue>",
    "rtaw3aS06cAmEj+i/5oSRvZCoVbhB3uzdSpYo3b2s3w=",
    "</ds:DigestValue>",
    "</ds:Reference>",
    "<ds:Reference URI=\"#id-1E3A563A56A950229617954051027096\">",
    "<ds:Transforms>",
    "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\">",
    "<ec:InclusiveNamespaces xmlns:ec=\"http://www.w3.org/2001/10/xml-exc-c14n#\" PrefixList=\"#default e x\""
    "/>",
    "</ds:Transform>",
    "</ds:Transforms>",
    "<ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/>",
    "<ds:DigestValue>",
    "lq4XbAD5vSnZqc+pCtEGefXPCUJTUNMRqt+LdgcJe6M=",
    "</ds:DigestValue>",
    "</ds:Reference>",
    "<ds:Reference URI=\"#id-1E3A563A56A950229617954051027107\">",
    "<ds:Transforms>",
    "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\">",
    "<ec:InclusiveNamespaces xmlns:ec=\"http://www.w3.org/2001/10/xml-exc-c14n#\" PrefixList=\"#default e x\""
    "/>",
    "</ds:Transform>",
    "</ds:Transforms>",
    "<ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/>",
    "<ds:DigestValue>",
    "EymIq17UuZKEFvnImGy7Ck4RsyYptWROnlUu73sPyTE=",
    "</ds:DigestValue>",
    "</ds:Reference>",
    "<ds:Reference URI=\"#id-1E3A563A56A950229617954051027108\">",
    "<ds:Transforms>",
    "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\">",
    "<ec:InclusiveNamespaces xmlns:ec=\"http://www.w3.org/2001/10/xml-exc-c14n#\" PrefixList=\"#default e x\""
    "/>",
    "</ds:Transform>",
    "</ds:Transforms>",
    "<ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/>",
    "<ds:DigestValue>",
    "muidTuz4qWlPMUkjONlfBgibRYxLWQ5IE6WcVe+TTNE=",
    "</ds:DigestValue>",
    "</ds:Reference>",
    "<ds:Reference URI=\"#id-1E3A563A56A950229617954051027109\">",
    "<ds:Transforms>",
    "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\">",
    "<ec:InclusiveNamespaces xmlns:ec=\"http://www.w3.org/2001/10/xml-exc-c14n#\" PrefixList=\"#default e x\""
    "/>",
    "</ds:Transform>",
    "</ds:Transforms>",
    "<ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/>",
    "<ds:DigestValue>",
    "XnouWlOPIQ2PguvqmK3inMrB2i4SDL6BNxDeXbwI9sw=",
    "</ds:DigestValue>",
    "</ds:Reference>",
    "<ds:Reference URI=\"#id-1E3A563A56A9502296179540510271010\">",
    "<ds:Transforms>",
    "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\">",
    "<ec:InclusiveNamespaces xmlns:ec=\"http://www.w3.org/2001/10/xml-exc-c14n#\" PrefixList=\"#default e x\""
    "/>",
    "</ds:Transform>",
    "</ds:Transforms>",
    "<ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/>",
    "<ds:DigestValue>",
    "bPsUvxMJFQHtnMI+B4djuQUeFJHypljTESscYxC9/7E=",
    "</ds:DigestValue>",
    "</ds:Reference>",
    "<ds:Reference URI=\"#TS-1E3A563A56A950229617954051026751\">",
    "<ds:Transforms>",
    "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\">",
    "<ec:InclusiveNamespaces xmlns:ec=\"http://www.w3.org/2001/10/xml-exc-c14n#\" PrefixList=\"wsse #default"
    " e wsa x\"/>",
    "</ds:Transform>",
    "</ds:Transforms>",
    "<ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/>",
    "<ds:DigestValue>",
    "Hm4hCgvKTDSBRcCYaGp3iOx5gizqsmw7rsIdqVBEYYE=",
    "</ds:DigestValue>",
    "</ds:Reference>",
    "<ds:Reference URI=\"#X509-1E3A563A56A950229617954051026762\">",
    "<ds:Transforms>",
    "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\">",
    "<ec:InclusiveNamespaces xmlns:ec=\"http://www.w3.org/2001/10/xml-exc-c14n#\" PrefixList=\"#default e ws"
    "a x\"/>",
    "</ds:Transform>",
    "</ds:Transforms>",
    "<ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/>",
    "<ds:DigestValue>",
    "RfjAG5AbFnqKmroEexViJkTw9X5L4oS/lCI8JGJy16U=",
    "</ds:DigestValue>",
    "</ds:Reference>",
    "</ds:SignedInfo>",
    "<ds:SignatureValue>",
    "rL05LwDpRbQ7sk6A+m2Gz/51E4Zn5Vc5ITvB8oYV36t7QxKo/tqPmi30NjXqJy1yu2aMf3FC0eGJ&#13;\nWetapLZorw==",
    "</ds:SignatureValue>",
    "<ds:KeyInfo Id=\"KI-1E3A563A56A950229617954051027003\">",
    "<wsse:SecurityTokenReference wsu:Id=\"STR-1E3A563A56A950229617954051027014\">",
    "<wsse:Reference URI=\"#X509-1E3A563A56A950229617954051026762\" ValueType=\"http://docs.oasis-open.org/w"
    "ss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3\"/>",
    "</wsse:SecurityTokenReference>",
    "</ds:KeyInfo>",
    "</ds:Signature>",
    "</wsse:Security>",
    "<wsa:From xmlns:wsu=\"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0."
    "xsd\" wsu:Id=\"id-1E3A563A56A950229617954051027096\">",
    "<wsa:Address>",
    "https://op/x?EntityId=2.999.60.10",
    "</wsa:Address>",
    "</wsa:From>",
    "<wsa:To xmlns:wsu=\"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xs"
    "d\" wsu:Id=\"id-1E3A563A56A950229617954051027107\">",
    "https://sr/x?EntityId=2.999.2",
    "</wsa:To>",
    "<wsa:MessageID xmlns:wsu=\"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility"
    "-1.0.xsd\" wsu:Id=\"id-1E3A563A56A950229617954051027108\">",
    "//2.999.60.10/G1?TransactionId=T",
    "</wsa:MessageID>",
    "<wsa:Action xmlns:wsu=\"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1."
    "0.xsd\" wsu:Id=\"id-1E3A563A56A950229617954051027109\">",
    "http://gsma.com/ES4/ProfileManagement/ES4-GetEISRequest",
    "</wsa:Action>",
    "<wsa:ReplyTo xmlns:wsu=\"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1"
    ".0.xsd\" wsu:Id=\"id-1E3A563A56A9502296179540510271010\">",
    "<wsa:Address>",
    "http://docs.oasis-open.org/ws-rx/wsmc/200702/anonymous?id=x",
    "</wsa:Address>",
    "</wsa:ReplyTo>",
    "</e:Header>",
    "<e:Body xmlns:wsu=\"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xs"
    "d\" wsu:Id=\"id-1E3A563A56A950229617954051027055\">",
    "<r:ES4-GetEISRequest xmlns:r=\"http://namespaces.gsma.org/esim-messaging/3\">",
    "<r:FunctionCallIdentifier>",
    "G1",
    "</r:FunctionCallIdentifier>",
    "<r:ValidityPeriod>",
    "60",
    "</r:ValidityPeriod>",
    "<r:Eid>",
    "89049032000000000000000000000745",
    "</r:Eid>",
    "</r:ES4-GetEISRequest>",
    "</e:Body>",
    "</e:Envelope>",
};

#endif
