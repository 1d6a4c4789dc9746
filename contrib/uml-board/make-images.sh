#!/bin/sh
# Makes root file systems for the virtual board of the uml module: busybox, an init that says its version, a login
# prompt on the serial console. Needs neither root nor mounting; the same version always gives the same bytes.
set -eu

usage() {
  cat <<'END'
usage: make-images.sh [-c] DIRECTORY [VERSION...]

Writes DIRECTORY/board-VERSION.img for each version (default: 1.0 2.0).
  -c   also writes them compressed, as .img.gz, .img.zst and .img.xz
END
}

fail() {
  echo "make-images.sh: $1" >&2
  exit 1
}

compress=no
while getopts ch option; do
  case $option in
    c) compress=yes ;;
    h) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
done
shift $((OPTIND - 1))
if [ $# -eq 0 ]; then
  usage >&2
  exit 2
fi
directory=$1
shift
[ $# -gt 0 ] || set -- 1.0 2.0

PATH=$PATH:/usr/sbin:/sbin
busybox=$(command -v busybox) || fail "there is no busybox: apt-get install busybox-static"
command -v mke2fs >/dev/null || fail "there is no mke2fs: apt-get install e2fsprogs"
if [ "$compress" = yes ]; then
  for tool in gzip zstd xz; do
    command -v "$tool" >/dev/null || fail "there is no $tool, which -c needs: apt-get install gzip zstd xz-utils"
  done
fi
if ldd "$busybox" >/dev/null 2>&1; then
  fail "$busybox needs shared libraries, which the image has not: apt-get install busybox-static"
fi

mkdir -p "$directory"
work=$(mktemp -d "${TMPDIR:-/tmp}/board-image.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# The programs that the board's user can call by name.
applets="ash awk cat chmod clear cp cut date dd df dmesg echo env false find free getty grep halt head hexdump hostname
id init kill less ln login ls mkdir mknod more mount mv ping poweroff printf ps pwd reboot rm sed sh sha256sum sleep
sort stat stty sync tail tee test touch true umount uname uptime vi wc"

make_tree() {
  version=$1
  tree=$2
  mkdir -p "$tree/bin" "$tree/dev" "$tree/etc" "$tree/proc" "$tree/root" "$tree/run" "$tree/sbin" "$tree/sys" "$tree/tmp"
  cp "$busybox" "$tree/bin/busybox"
  chmod 755 "$tree/bin/busybox"
  for applet in $applets; do
    ln -s busybox "$tree/bin/$applet"
  done
  ln -s ../bin/busybox "$tree/sbin/init"

  cat >"$tree/etc/os-release" <<END
ID=board
NAME="Board firmware"
VERSION_ID=$version
PRETTY_NAME="Board firmware $version"
END
  echo board >"$tree/etc/hostname"
  echo 'root:x:0:0:root:/root:/bin/sh' >"$tree/etc/passwd"
  echo 'root:x:0:' >"$tree/etc/group"
  # The password is "letmein".
  echo 'root:$1$board$zEMA0qXSKO2vSJXf19KHx.:20000:0:99999:7:::' >"$tree/etc/shadow"
  chmod 600 "$tree/etc/shadow"

  cat >"$tree/etc/inittab" <<'END'
::sysinit:/etc/rc
ttyS0::respawn:/bin/getty -L 115200 ttyS0 vt100
::ctrlaltdel:/bin/poweroff
::shutdown:/bin/umount -a -r
END
  cat >"$tree/etc/rc" <<'END'
#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /tmp
hostname -F /etc/hostname
. /etc/os-release
echo
echo "$PRETTY_NAME"
END
  chmod 755 "$tree/etc/rc"
  cat >"$tree/etc/profile" <<'END'
export PATH=/bin:/sbin HOME=/root
export PS1='\u@\h:\w# '
END
  find "$tree" -exec touch -h -d '2026-01-01T00:00:00Z' {} +
}

make_image() {
  version=$1
  image=$2
  tree=$work/$version
  make_tree "$version" "$tree"
  rm -f "$image.new"
  E2FSPROGS_FAKE_TIME=1767225600 mke2fs -q -t ext4 -b 1024 -m 0 -L board -O ^has_journal,^metadata_csum_seed \
    -U 6b0a4d1e-0b0a-4d1e-8b0a-4d1e6b0a4d1e -E hash_seed=6b0a4d1e-0b0a-4d1e-8b0a-4d1e6b0a4d1e,root_owner=0:0 \
    -d "$tree" "$image.new" 6M >"$work/mke2fs" ||
    fail "mke2fs failed: $(tail -n 1 "$work/mke2fs")"
  # mke2fs copies owners and times of change; on the board everything is root's and of one day.
  (cd "$tree" && find . -mindepth 1) | sort | sed -n 's|^\.||
    s|.*|sif & uid 0\nsif & gid 0\nsif & atime @1767225600\nsif & ctime @1767225600\nsif & crtime @1767225600|p' >"$work/inodes"
  E2FSPROGS_FAKE_TIME=1767225600 debugfs -w -f "$work/inodes" "$image.new" >"$work/debugfs" 2>&1 ||
    fail "debugfs failed: $(tail -n 1 "$work/debugfs")"
  mv "$image.new" "$image"
}

for version in "$@"; do
  case $version in
    *[!A-Za-z0-9._-]* | '' | .*) fail "a version is letters, digits, dots and dashes, not \"$version\"" ;;
  esac
  image=$directory/board-$version.img
  make_image "$version" "$image"
  echo "$image"
  if [ "$compress" = yes ]; then
    gzip -9 -n -k -f "$image"
    zstd -q -f "$image" -o "$image.zst"
    xz -k -f "$image"
    echo "$image.gz"
    echo "$image.zst"
    echo "$image.xz"
  fi
done
