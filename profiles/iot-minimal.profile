# An IoT minimal profile (SAIP 3.3): what it does not say the card makes by itself. All secrets here are known to everybody.

[variables]
iccid      = 899997000000009101
imsi       = 999710000000101
mnc-length = 2
algorithm  = milenage
k          = 8BAF473F2F8FD09487CCCBD7097C6862
opc        = 8E27B6AF0E692E750F32667A3B14605D
pix        = 1002FFFFFFFF8907090000
ota-kvn    = 01
ota-kic    = 3132333435363738393A3B3C3D3E3F40
ota-kid    = 4142434445464748494A4B4C4D4E4F50
ota-kik    = 5152535455565758595A5B5C5D5E5F60

[header]
version = 3.3
type = IoT minimal
iot-pix = {pix}

[iot]
ef-imsi = {ef-imsi}
ef-acc = {ef-acc}

[akaParameter]
algorithm = {algorithm}
key = {k}
opc = {opc}

[securityDomain]
aid = A000000151000000
tars msl=16 = B20100 000000
key kvn={ota-kvn} kid=01 type=88 usage=38 value={ota-kic}
key kvn={ota-kvn} kid=02 type=88 usage=34 value={ota-kid}
key kvn={ota-kvn} kid=03 type=88 usage=C8 value={ota-kik}
