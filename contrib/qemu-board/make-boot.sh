#!/bin/sh
# Makes what QEMU boots without a boot loader: a kernel of Debian's package linux-image-cloud-amd64 and an initial RAM
# disk of busybox that goes on to the board's disk, or is the whole board when there is none.
set -eu

usage() {
  cat <<'END'
usage: make-boot.sh DIRECTORY

Writes DIRECTORY/vmlinuz and DIRECTORY/initrd.gz.
END
}

fail() {
  echo "make-boot.sh: $1" >&2
  exit 1
}

case ${1-} in
  '' | -*) usage >&2; exit 2 ;;
esac
directory=$1

busybox=$(command -v busybox) || fail "there is no busybox: apt-get install busybox-static"
if ldd "$busybox" >/dev/null 2>&1; then
  fail "$busybox needs shared libraries, which the RAM disk has not: apt-get install busybox-static"
fi
kernel=
for found in /boot/vmlinuz-*-cloud-amd64; do
  [ -r "$found" ] && kernel=$found
done
[ -n "$kernel" ] || fail "there is no kernel /boot/vmlinuz-*-cloud-amd64: apt-get install linux-image-cloud-amd64"
modules=/lib/modules/${kernel#/boot/vmlinuz-}

mkdir -p "$directory"
work=$(mktemp -d "${TMPDIR:-/tmp}/board-boot.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

tree=$work/tree
mkdir -p "$tree/bin" "$tree/dev" "$tree/modules" "$tree/proc" "$tree/root" "$tree/sys" "$tree/www"
cp "$busybox" "$tree/bin/busybox"
chmod 755 "$tree/bin/busybox"
for applet in $("$busybox" --list); do
  [ "$applet" = busybox ] || ln -s busybox "$tree/bin/$applet"
done

# Disk, network card and power button, in the order in which they need each other. What is not there is in the kernel.
number=10
for module in virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_blk \
  failover net_failover virtio_net button evdev; do
  file=$(find "$modules" -name "$module.ko*" | head -n 1)
  case $file in
    *.ko) cp "$file" "$tree/modules/$number-$module.ko" ;;
    *.ko.xz) xz -dc "$file" >"$tree/modules/$number-$module.ko" ;;
  esac
  number=$((number + 1))
done

cat >"$tree/init" <<'END'
#!/bin/sh
export PATH=/bin HOME=/ PS1='board# '
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
for module in /modules/*.ko; do
  insmod "$module"
done
power_button() {
  for event in /sys/class/input/event*; do
    grep -q 'Power Button' "$event/device/name" && echo "/dev/input/${event##*/}"
  done
}
button=$(power_button)
if [ -b /dev/vda ] && mount /dev/vda /root; then
  mount -t devtmpfs devtmpfs /root/dev
  # For an init as busybox has it, SIGUSR2 means power off.
  [ -z "$button" ] || chroot /root /bin/sh -c "dd if=$button bs=24 count=1 >/dev/null 2>&1; kill -USR2 1" &
  umount /proc /sys
  exec switch_root /root /sbin/init
fi
[ -z "$button" ] || (dd if="$button" bs=24 count=1 >/dev/null 2>&1; echo 'power button'; poweroff -f) &
if [ -d /sys/class/net/eth0 ]; then
  ip link set eth0 up
  ip address add 10.0.2.15/24 dev eth0
  echo 'hello from the board' >/www/hello
  httpd -p 80 -h /www
fi
[ ! -c /dev/tty1 ] || setsid sh -c 'exec sh -i <>/dev/tty1 >&0 2>&1' &
echo 'the board is ready'
while :; do
  setsid cttyhack sh -i
done
END
chmod 755 "$tree/init"

if command -v cpio >/dev/null; then cpio=cpio; else cpio="$busybox cpio"; fi
(cd "$tree" && find . | $cpio -o -H newc 2>"$work/cpio") | gzip -1 >"$directory/initrd.gz.new" ||
  fail "cpio failed: $(tail -n 1 "$work/cpio")"
mv "$directory/initrd.gz.new" "$directory/initrd.gz"
cp "$kernel" "$directory/vmlinuz.new"
mv "$directory/vmlinuz.new" "$directory/vmlinuz"
echo "$directory/vmlinuz"
echo "$directory/initrd.gz"
