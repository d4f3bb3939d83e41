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

quietly() { # openssl greets and shows its progress; only what went wrong is of interest
    said=$("$@" 2>&1) || { echo "$said" >&2 && exit 1; }
}

mkdir -p "$directory"
chmod 0755 "$directory"
cd "$directory"

if [ ! -e ca.key ]; then
    quietly openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 \
        -keyout ca.key -out ca.pem -subj "/CN=Moodwire home authority" \
        -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign"
fi

names=
for name in "$@"; do
    case $name in
    *:* | *[0-9].*[0-9].*[0-9].*[0-9]) kind=IP ;;
    *) kind=DNS ;;
    esac
    names=${names:+$names,}$kind:$name
done
# The old key and certificate fit together until the new ones are both there.
quietly openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
    -keyout new.key -out new.csr -subj "/CN=Moodwire broker"
printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth\n' "$names" >new.ext
quietly openssl x509 -req -in new.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 825 \
    -extfile new.ext -out new.pem
chmod 0644 ca.pem new.pem
! id mosquitto >/dev/null 2>&1 || chown mosquitto new.key
mv new.key server.key
mv new.pem server.pem
rm -f new.csr new.ext
echo "$directory/ca.pem goes onto the devices; valid for $names"
