import { agentStatus } from "./agent-status/agent-status.ts";
import { dummyFt } from "./dummy-ft/dummy-ft.ts";
import { dummyRepeat } from "./dummy-repeat/dummy-repeat.ts";
import { dummyStatus } from "./dummy-status/dummy-status.ts";
import { file } from "./file/file.ts";
import { flash } from "./flash/flash.ts";
import { flashEmulate } from "./flash-emulate/flash-emulate.ts";
import { gpioButton } from "./gpio-button/gpio-button.ts";
import { gpioSwitch } from "./gpio-switch/gpio-switch.ts";
import { httpGet } from "./http-get/http-get.ts";
import { image } from "./image/image.ts";
import { ipmi } from "./ipmi/ipmi.ts";
import type { ModuleKind } from "./module.ts";
import { pdu } from "./pdu/pdu.ts";
import { pikvm } from "./pikvm/pikvm.ts";
import { qemu } from "./qemu/qemu.ts";
import { redfish } from "./redfish/redfish.ts";
import { script } from "./script/script.ts";
import { sdMux } from "./sd-mux/sd-mux.ts";
import { serial } from "./serial/serial.ts";
import { shell } from "./shell/shell.ts";
import { ssh } from "./ssh/ssh.ts";
import { timeWait } from "./time-wait/time-wait.ts";
import { uml } from "./uml/uml.ts";
import { usbPort } from "./usb-port/usb-port.ts";
import { usbRelay } from "./usb-relay/usb-relay.ts";
import { wifisocket } from "./wifisocket/wifisocket.ts";

/** Every kind of module that an agent offers, by name. */
export const moduleKinds: readonly ModuleKind[] = [
  agentStatus,
  dummyFt,
  dummyRepeat,
  dummyStatus,
  file,
  flash,
  flashEmulate,
  gpioButton,
  gpioSwitch,
  httpGet,
  image,
  ipmi,
  pdu,
  pikvm,
  qemu,
  redfish,
  script,
  sdMux,
  serial,
  shell,
  ssh,
  timeWait,
  uml,
  usbPort,
  usbRelay,
  wifisocket,
];
