#!/bin/sh
# osprey-profile as a user meets it: exit codes, what it shows and what it does not.
# usage: test_tool.sh OSPREY_PROFILE SOURCE_ROOT
set -u
tool=$1
root=$2
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
failed=0

check() { # name, wanted exit code, command...
    name=$1 want=$2
    shift 2
    "$@" >"$dir/out" 2>"$dir/err"
    got=$?
    if [ $got -ne "$want" ]; then
        echo "FAILED: $name: exit code $got, wanted $want"
        cat "$dir/out" "$dir/err"
        failed=1
    fi
}
says() { # name, words, file
    grep -q -- "$2" "$dir/$3" || { echo "FAILED: $1: no '$2' in what it says"; cat "$dir/$3"; failed=1; }
}
silent() {
    grep -q -- "$2" "$dir/$3" && { echo "FAILED: $1: it says '$2'"; failed=1; }
}

demo=$root/profiles/demo-operator.profile
check 'no words' 2 "$tool"
check 'help' 0 "$tool" --help
check 'unknown command' 2 "$tool" frobnicate x
check 'unknown option' 2 "$tool" build "$demo" --colour
for source in demo-operator bootstrap; do
    check "build $source" 0 "$tool" build "$root/profiles/$source.profile" -o "$dir/$source.der"
    check "lint $source" 0 "$tool" lint "$dir/$source.der"
    [ "$(cat "$dir/out")" = "$dir/$source.der: good" ] || { echo "FAILED: lint of $source"; cat "$dir/out"; failed=1; }
done

check 'dump' 0 "$tool" dump "$dir/demo-operator.der"
says 'dump names elements' 'akaParameter' out
says 'dump names files' 'ef-imsi' out
silent 'dump hides the key' '465B5CE8B199B49FAA5F0A2EE238A6BC' out
silent 'dump hides PINs' '31323334FFFFFFFF' out
check 'dump with secrets' 0 "$tool" dump --secrets "$dir/demo-operator.der"
says 'dump shows the key when asked' '465B5CE8B199B49FAA5F0A2EE238A6BC' out

# TS 35.207, test set 1: OP and K give this OPc
check 'op is turned into opc' 0 "$tool" build "$demo" --set op=CDC202D5123E20F62B6D676AC72CB318 --set opc=00 -o "$dir/op.der"
check 'dump op' 0 "$tool" dump --secrets "$dir/op.der"
says 'the opc of the specification' 'opc: CD63CB71954A9F4E48A5994E37A02BAF' out
silent 'op itself is not in it' 'CDC202D5123E20F62B6D676AC72CB318' out

check 'op that does not fit' 1 "$tool" build "$demo" --set op=CDC2 -o "$dir/x.der"
top=5555555555555555555555555555555555555555555555555555555555555555
check 'tuak' 0 "$tool" build "$demo" --set algorithm=tuak --set op=$top -o "$dir/tuak.der"
check 'lint tuak' 0 "$tool" lint "$dir/tuak.der"

printf '000102030405060708090A0B0C0D0E0F\n' >"$dir/k"
check 'a key from a file' 0 "$tool" build "$demo" --set "k=@$dir/k" -o "$dir/k.der"
check 'dump k' 0 "$tool" dump --secrets "$dir/k.der"
says 'the key of the file' 'key: 000102030405060708090A0B0C0D0E0F' out
check 'a file that is not there' 2 "$tool" build "$demo" --set k=@/nonexistent -o "$dir/x.der"

check 'a variable that nobody asks for' 1 "$tool" build "$demo" --set imis=999700000000001 -o "$dir/x.der"
says 'it tells which' '--set imis: .*demo-operator.profile has no such variable' err

check 'a bad value' 1 "$tool" build "$demo" --set iccid=12 -o "$dir/x.der"
says 'it tells the line' 'demo-operator.profile:[0-9]*: iccid' err
check 'a source that is not there' 1 "$tool" build "$dir/none" -o "$dir/x.der"
head -c 700 "$dir/demo-operator.der" >"$dir/cut.der"
check 'lint of a part' 1 "$tool" lint "$dir/cut.der"
says 'it tells what is wrong' 'inside an element' out
check 'dump of a part' 1 "$tool" dump "$dir/cut.der"
check 'lint of two, one broken' 1 "$tool" lint "$dir/demo-operator.der" "$dir/cut.der"
exit $failed
