# The profile of the demo's operator: one USIM with Milenage, a telephone book's basics, the operator's security domain with
# SCP80 keys, remote file management. Build it with: osprey-profile build profiles/demo-operator.profile -o demo.der
# All secrets here are for the lab and known to everybody: give your own with --set.

[variables]
iccid      = 899997000000000001        # 18 digits: the check digit is added; 19 or 20 are taken as they are
imsi       = 999700000000001
mnc-length = 2
msisdn     = +999700000001
spn        = Osprey Demo
smsc       = +999700000000
apn        = iot.demo
algorithm  = milenage                  # milenage, tuak, xor
k          = 465B5CE8B199B49FAA5F0A2EE238A6BC
opc        = CD63CB71954A9F4E48A5994E37A02BAF    # or op, from which it is computed
sqn        = 000000000000
pin1       = 1234
pin1-attributes = 6                    # 1 enabled, 2 changeable, 4 may be switched: disabled until the user wants it
pin2       = 4321
puk1       = 12345678
puk2       = 87654321
adm1       = 3131313131313131
pol1       = 00                        # 01 disabling, 02 deletion not allowed; 04 deleted when disabled
ota-kvn    = 01
ota-kic    = 0102030405060708090A0B0C0D0E0F10
ota-kid    = 1112131415161718191A1B1C1D1E1F20
ota-kik    = 2122232425262728292A2B2C2D2E2F30
usim-aid   = A0000000871002FFFFFFFF8907090000

[header]
version = 2.3
type = {spn}
pol1 = {pol1}
connectivity = {connectivity}

[mf]
mf pins=010A
ef-pl = "en"
ef-iccid = {ef-iccid}
ef-dir records=2x38 = <61 <4F {usim-aid}> <50 "USIM">>
ef-arr records=14x33 = {access-rules}
ef-umpc = 3C3C020000      # SUSPEND UICC is offered

[pukCodes]
01 value={puk1}
81 value={puk2}

[pinCodes]
01 value={pin1} puk=01 attributes={pin1-attributes}
0A value={adm1} attributes=1 tries=10

[cd]
df-cd pins=010A
ef-launchpad size=16 arr=2F0602 = "Osprey"

[telecom]
df-telecom pins=01810A
ef-arr records=14x33 = {access-rules}
ef-sume = 85 06 "Osprey" FFFFFFFFFFFFFFFFFFFFFFFFFFFF
df-phonebook pins=01810A
ef-pbr records=1x32 = <A8 <C0 4F58 01>>
ef-psc
ef-cc
ef-puid
ef-adn fid=4F58 records=20x28 sfi=1

[pinCodes]
81 value={pin2} puk=81 attributes=3

[usim]
adf-usim fid=7FF0 aid={usim-aid} pins=01810A
ef-imsi = {ef-imsi}
ef-arr records=14x33 = {access-rules}
ef-keys
ef-keysPS
ef-hpplmn
ef-ust = 020A1C0C21360000400010000000      # services 2 10 12 19 20 21 27 28 33 38 42 43 45 46 71 85
ef-fdn
ef-sms
ef-smsp = {ef-smsp}
ef-smss
ef-spn = {ef-spn}
ef-est = 00
ef-start-hfn
ef-threshold
ef-psloci
ef-acc = {ef-acc}
ef-fplmn
ef-loci
ef-ad = {ef-ad}
ef-ecc records=2x4 = 11F2FF 00 | 19F1FF 00
ef-netpar
ef-epsloci
ef-epsnsc

[opt-usim]
ef-li = "en" FFFFFFFF
ef-msisdn = {ef-msisdn}
ef-plmnwact
ef-oplmnwact
ef-hplmnwact = {hplmn} C080
ef-pnn records=2x16 = <43 80 "Osprey"> 
ef-opl records=1x8 = {hplmn} 0000FFFE 01
ef-ehplmn = {hplmn}

[pinCodes]
81 value={pin2} puk=81 attributes=3

[akaParameter]
algorithm = {algorithm}
key = {k}
opc = {opc}
sqn = {sqn}

[gsm-access]
df-gsm-access pins=01810A
ef-kc
ef-kcgprs

[securityDomain]
aid = A000000151000000
tars msl=16 = B20100 000000
key kvn={ota-kvn} kid=01 type=88 usage=38 value={ota-kic}
key kvn={ota-kvn} kid=02 type=88 usage=34 value={ota-kid}
key kvn={ota-kvn} kid=03 type=88 usage=C8 value={ota-kik}
data = 0070 32 <66 <73 <06 2A864886FC6B01> <60 <06 2A864886FC6B020202>> <63 <06 2A864886FC6B03>> <64 <06 2A864886FC6B048000>>>>

[rfm]
aid = A00000055910100001
tar = B00000
msl = 16
access = 00
admin-access = 00

[rfm]
aid = A00000055910100002
tar = B00011
msl = 16
access = 00
admin-access = 00
adf = {usim-aid}
