#!/bin/sh
# A laboratory on one Linux computer: machines that are network namespaces, to try what the README tells of several
# machines. Those whose names begin with "bench" are behind a router with NAT: they reach the others, nobody reaches them.
#
#   lab.sh up MACHINE...            make machines that know each other by these names
#   lab.sh on MACHINE [COMMAND...]  run a command on one, or a shell, in a home directory of its own;
#                                   scp FILE... MACHINE: copies from home to home
#   lab.sh unplug MACHINE           pull its network cable; plug MACHINE puts it back
#   lab.sh down                     end what runs on them, and remove them with their homes
#
# Needs root, iproute2 and iptables. Homes are in $LAB, /tmp/lab by default. The computer's own network is left alone.
set -eu

LAB=${LAB:-/tmp/lab}
prefix=$(basename "$LAB")

# at MACHINE COMMAND...: in its network, and not in its home.
at() {
  machine=$1
  shift
  ip netns exec "$prefix-$machine" "$@"
}

# computer NAME: a machine with loopback and no cable.
computer() {
  ip netns add "$prefix-$1"
  at "$1" ip link set lo up
}

# bridge MACHINE: where the cables of others end.
bridge() {
  at "$1" ip link add bridge type bridge
  at "$1" ip link set bridge up
}

# far_end MACHINE: the machine where its cable ends.
far_end() {
  case $1 in
    bench*) echo router ;;
    *) echo switch ;;
  esac
}

# cable MACHINE ADDRESS: its eth0, plugged in.
cable() {
  far=$(far_end "$1")
  at "$1" ip link add eth0 type veth peer name "to-$1" netns "$prefix-$far"
  at "$far" ip link set "to-$1" master bridge up
  at "$1" ip address add "$2/24" dev eth0
  at "$1" ip link set eth0 up
}

network() {
  computer switch
  bridge switch
  computer router
  cable router 192.0.2.1
  bridge router
  at router ip address add 198.51.100.1/24 dev bridge
  at router sysctl -qw net.ipv4.ip_forward=1
  at router iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE
}

copier() {
  mkdir "$LAB/bin"
  cat > "$LAB/bin/scp" << 'END'
#!/bin/sh
set -eu
for target; do :; done
while [ $# -gt 1 ]; do
  cp "$1" "$LAB/${target%:}/"
  shift
done
END
  chmod +x "$LAB/bin/scp"
}

up() {
  mkdir "$LAB"
  copier
  network
  echo "127.0.0.1 localhost" > "$LAB/hosts"
  number=1
  for name; do
    number=$((number + 1))
    mkdir -p "$LAB/$name" "/etc/netns/$prefix-$name"
    computer "$name"
    case $name in
      bench*)
        cable "$name" "198.51.100.$number"
        at "$name" ip route add default via 198.51.100.1
        ;;
      *)
        cable "$name" "192.0.2.$number"
        echo "192.0.2.$number $name" >> "$LAB/hosts"
        ;;
    esac
  done
  for name; do
    cp "$LAB/hosts" "/etc/netns/$prefix-$name/hosts"
  done
}

on() {
  name=$1
  shift
  [ $# -gt 0 ] || set -- bash --norc
  cd "$LAB/$name"
  # Its own name, and none of the settings of whoever typed this.
  exec ip netns exec "$prefix-$name" unshare --uts sh -c 'hostname "$0" && exec "$@"' "$name" \
    env -i LAB="$LAB" HOME="$LAB/$name" PATH="$LAB/bin:$PATH" TERM="${TERM:-dumb}" ${TZ:+TZ="$TZ"} USER=root PS1="$name\$ " "$@"
}

unplug() {
  at "$(far_end "$1")" ip link set "to-$1" down
}

plug() {
  at "$(far_end "$1")" ip link set "to-$1" up
}

down() {
  for namespace in $(ip netns list | cut -d ' ' -f 1 | grep "^$prefix-"); do
    for pid in $(ip netns pids "$namespace"); do
      kill -9 "$pid" 2> /dev/null || true
    done
    ip netns delete "$namespace"
    rm -rf "/etc/netns/$namespace"
  done
  rm -rf "$LAB"
}

case ${1:-} in
  up | on | unplug | plug | down) "$@" ;;
  *)
    sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
