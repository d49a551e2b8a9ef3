# A factory profile with several IMSIs: the card changes from one to the next by itself, when the network refuses it or
# the country is another one. See [nonStandard] at the end.
# All secrets here are for the lab and known to everybody: give your own with --set.

[variables]
iccid      = 899997000000009001
imsi       = 999710000000001
mnc-length = 2
spn        = Osprey Start
smsc       = +999710000000
apn        = start.demo
algorithm  = milenage
k          = 8BAF473F2F8FD09487CCCBD7097C6862
opc        = 8E27B6AF0E692E750F32667A3B14605D
sqn        = 000000000000
pin1       = 0000
puk1       = 00000000
puk2       = 00000000
pin2       = 0000
adm1       = 3232323232323232
pol1       = 00
ota-kvn    = 01
ota-kic    = 3132333435363738393A3B3C3D3E3F40
ota-kid    = 4142434445464748494A4B4C4D4E4F50
ota-kik    = 5152535455565758595A5B5C5D5E5F60
usim-aid   = A0000000871002FFFFFFFF8907090000

# three subscriptions; the first is the profile's own
imsi-1 = {imsi}
imsi-2 = 262010000000002
imsi-3 = 901280000000003
k-2    = 9C1185A5C5E9FC54612808977EE8F548
opc-2  = C9E8763286B5B9FFBDF56E1297D0887B
k-3    = 5122250214C33E723A5DD523FC145FC0
opc-3  = 981D464C7C52EB6E5036234984AD0BCF

[header]
version = 2.3
type = {spn}
pol1 = {pol1}
connectivity = {connectivity}

[mf]
mf pins=010A
ef-pl = "en"
ef-iccid = {ef-iccid}
ef-dir records=1x38 = <61 <4F {usim-aid}> <50 "USIM">>
ef-arr records=14x33 = {access-rules}
ef-umpc = 3C3C020000      # SUSPEND UICC is offered

[pukCodes]
01 value={puk1}
81 value={puk2}

[pinCodes]
01 value={pin1} puk=01 attributes=6
0A value={adm1} attributes=1 tries=10

[usim]
adf-usim fid=7FF0 aid={usim-aid} pins=01810A
ef-imsi = {ef-imsi}
ef-arr records=14x33 = {access-rules}
ef-keys
ef-keysPS
ef-hpplmn
ef-ust = 000A040821000000000010000000      # services 10 12 19 28 33 38 85
ef-sms records=5x176
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
ef-ecc = 11F2FF 00
ef-epsloci
ef-epsnsc

[pinCodes]
81 value={pin2} puk=81 attributes=3

[akaParameter]
algorithm = {algorithm}
key = {k}
opc = {opc}
sqn = {sqn}

[securityDomain]
aid = A000000151000000
tars msl=16 = B20100 000000
key kvn={ota-kvn} kid=01 type=88 usage=38 value={ota-kic}
key kvn={ota-kvn} kid=02 type=88 usage=34 value={ota-kid}
key kvn={ota-kvn} kid=03 type=88 usage=C8 value={ota-kik}

[rfm]
aid = A00000055910100001
tar = B00000
msl = 16
access = 00
admin-access = 00

# The rules: without registration for `timer` seconds, or refused, the next IMSI is tried: first those that name the country
# (MCC of where the device is), then those for everywhere (*), in this order. In another country the IMSI that is meant for
# it is taken at once.
[nonStandard]
multi-imsi timer=60
imsi value={imsi-1} countries=999      algorithm=milenage k={k}   opc={opc}   mnc-length=2
imsi value={imsi-2} countries=262,208  algorithm=milenage k={k-2} opc={opc-2} mnc-length=2
imsi value={imsi-3} countries=*        algorithm=milenage k={k-3} opc={opc-3} mnc-length=2
