import { spawnSync } from "node:child_process";
import { createInterface } from "node:readline/promises";

/** Libraries that the pinned Node is linked with and a small system lacks. */
export const forNode = ["libatomic1", "libstdc++6"];

/** What the demo runs besides the package itself. Debian has User-Mode Linux for x86 only. */
const forDemo = [
  ...(process.arch === "x64" ? ["user-mode-linux"] : []),
  "busybox-static",
  "socat",
  "e2fsprogs",
  "xz-utils",
  "zstd",
];

/** Real counterparts of the modules: flash tools, BMCs, switches, virtual boards, image tools. */
const forModules = [
  "flashrom",
  "gpiod",
  "ipmitool",
  "openipmi",
  "pdudaemon",
  "snmp",
  "snmpd",
  "qemu-system-x86",
  "qemu-utils",
  ...(process.arch === "x64" ? ["linux-image-cloud-amd64"] : []),
  "ovmf",
  "swtpm",
  "bmap-tools",
  "uhubctl",
  "usbrelay",
  "usbsdmux",
];

/** What a purpose needs; the tests have foreign clients, stores, proxies, firewalls and a clock to set besides. @type {Readonly<Record<string, readonly string[]>>} */
export const packageSets = {
  demo: forDemo,
  test: [
    ...forDemo,
    ...forModules,
    "curl",
    "python3-grpcio",
    "faketime",
    "openssh-server",
    "zsh",
    "fish",
    "etcd-server",
    "nginx-light",
    "iproute2",
    "iptables",
    "conntrack",
    "systemd",
    "debootstrap",
    "man-db",
  ],
  build: ["binutils"],
};

const install = ["install", "-y", "--no-install-recommends"];

/**
 * Installs the Debian packages that are missing: as root, after a yes at the terminal, or unasked when `unattended`
 * or under CI. Otherwise, and when apt-get fails, it says which line installs them, and returns: whoever asked does
 * without. Does nothing on other systems.
 *
 * @param {readonly string[]} packages
 * @param {boolean} unattended
 */
export async function installDebianPackages(packages, unattended) {
  const missing = missingPackages(packages);
  if (missing.length === 0) {
    return;
  }
  const line = `apt-get install --no-install-recommends ${missing.join(" ")}`;
  if (process.getuid?.() !== 0) {
    say(`Debian packages are missing, and what needs them is left out. To install them: sudo ${line}`);
  } else if (unattended || isCi() || (await agrees(missing))) {
    say(`installing Debian packages: ${missing.join(" ")}`);
    if (!aptGet(["update"])) {
      say("apt-get update failed; trying with the package lists that are there");
    }
    const failed = aptGet([...install, ...missing]) ? [] : missing.filter((name) => !aptGet([...install, name]));
    if (failed.length > 0) {
      say(`apt-get did not install ${failed.join(" ")}; what needs them is left out. To try again: ${line}`);
    }
  } else {
    say(`Debian packages are missing, and what needs them is left out. To install them: ${line}`);
  }
}

/** @param {readonly string[]} packages */
function missingPackages(packages) {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the format language of dpkg-query
  const { error, stdout } = spawnSync("dpkg-query", ["-W", "-f", "${Package} ${db:Status-Status}\\n", ...packages], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  if (error !== undefined) {
    return [];
  }
  const installed = new Set(stdout.split("\n"));
  return packages.filter((name) => !installed.has(`${name} installed`));
}

function isCi() {
  return ![undefined, "", "0", "false"].includes(process.env.CI);
}

/** False without a terminal, and at the end of its input. @param {readonly string[]} missing */
async function agrees(missing) {
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    return false;
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const question = `Debian packages are missing: ${missing.join(" ")}\nInstall them now? [Y/n] `;
    const answer = await terminal.question(question).catch((error) => {
      if (/Ctrl\+D/.test(error.message)) {
        return "no";
      }
      throw error;
    });
    return /^(y|yes|)$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}

/** @param {readonly string[]} args */
function aptGet(args) {
  const { status } = spawnSync("apt-get", ["-qq", "-o", "DPkg::Lock::Timeout=120", ...args], {
    stdio: ["ignore", 2, 2],
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  });
  return status === 0;
}

/** @param {string} text */
function say(text) {
  process.stderr.write(`${text}\n`);
}
