# snmp-outlets.sh FOLDER -g|-n|-s OID [TYPE VALUE]: three outlets behind snmpd's `pass`, each a file in FOLDER that holds "on"
# or "off". They are APC's: rPDU (1 on, 2 off, written and read), rPDU2 (written 1 on, 2 off; read 1 off, 2 on).
folder=$1 request=$2 oid=$3 value=$5
outlet=${oid##*.}
case ${oid%.*} in
  .1.3.6.1.4.1.318.1.1.12.3.3.1.1.4) on=1 off=2 writable=yes ;;
  .1.3.6.1.4.1.318.1.1.26.9.2.4.1.5) on=1 off=2 writable=yes ;;
  .1.3.6.1.4.1.318.1.1.26.9.2.3.1.5) on=2 off=1 writable=no ;;
  *) exit 0 ;;
esac
[ -e "$folder/$outlet" ] || exit 0
case $request in
  -g)
    read -r level < "$folder/$outlet"
    printf '%s\ninteger\n' "$oid"
    if [ "$level" = on ]; then echo "$on"; else echo "$off"; fi
    ;;
  -s)
    if [ "$writable" = no ]; then
      echo not-writable
    elif [ "$value" = "$on" ]; then
      echo on > "$folder/$outlet"
    elif [ "$value" = "$off" ]; then
      echo off > "$folder/$outlet"
    else
      echo wrong-value
    fi
    ;;
esac
