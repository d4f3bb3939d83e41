#!/bin/sh
# certificates.sh DIRECTORY NAME...: an authority of one's own and a certificate for the broker.
#
# NAME is what devices have in mqtt.host: a host name or an IP address; several are fine. The
# authority's key stays in DIRECTORY; devices get ca.pem only. Run again to renew the broker's
# certificate: the authority is kept, so that no device needs a new ca.pem.
set -eu
umask 077

[ $# -ge 2 ] || {
    echo "usage: certificates.sh DIRECTORY NAME..." >&2
    exit 2
}
directory=$1
shift
mkdir -p "$directory"
chmod 0755 "$directory"
cd "$directory"

if [ ! -e ca.key ]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 \
        -keyout ca.key -out ca.pem -subj "/CN=Moodwire home authority" \
        -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign" \
        2>/dev/null
fi

names=
for name in "$@"; do
    case $name in
    *:* | *[0-9].*[0-9].*[0-9].*[0-9]) kind=IP ;;
    *) kind=DNS ;;
    esac
    names=${names:+$names,}$kind:$name
done
openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
    -keyout server.key -out server.csr -subj "/CN=$1" 2>/dev/null
printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth\n' "$names" >server.ext
openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 825 \
    -extfile server.ext -out server.pem 2>/dev/null
rm -f server.csr server.ext
chmod 0644 ca.pem server.pem
! id mosquitto >/dev/null 2>&1 || chown mosquitto server.key
echo "$directory/ca.pem goes onto the devices; valid for $names"
