// Reads barcodes with the camera, where the browser can. Elsewhere the form sends a photo, and the server reads it.
const VIN = /(?:^|[^A-Z0-9]|I)([A-HJ-NPR-Z0-9]{17})(?![A-Z0-9])/i; // the server decides what is one
/** @type {any} */ const Detector = Reflect.get(window, "BarcodeDetector"); // the compiler's library does not know it

/** @param {ParentNode} part */
export function offerScan(part) {
  const photo = part.querySelector("input[data-photo]");
  if (photo instanceof HTMLInputElement) photo.addEventListener("change", () => photo.form?.requestSubmit());
  const video = part.querySelector("video[data-scan]");
  if (!(video instanceof HTMLVideoElement) || !Detector) return;
  watch(video).catch(() => (video.hidden = true)).finally(() => {
    if (video.srcObject instanceof MediaStream) for (const track of video.srcObject.getTracks()) track.stop();
  });
}

/** @param {HTMLVideoElement} video shown while the camera is read; without one, the form is enough */
async function watch(video) {
  const list = document.querySelector("textarea[data-scanned]");
  const formats = await Detector.getSupportedFormats();
  if (!formats.length) return; // the browser knows the interface alone, so nobody is asked for the camera
  const detector = new Detector({ formats });
  video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: 1920 } });
  video.hidden = false;
  await video.play();
  for (let last = ""; video.isConnected; await new Promise((go) => setTimeout(go, 150))) {
    /** @type {Array<{rawValue: string}>} */ const found = await detector.detect(video);
    const texts = found.map((one) => VIN.exec(one.rawValue)?.[1]?.toUpperCase() ?? "");
    const vins = texts.join() === last ? texts.filter((text) => text) : []; // it counts when two pictures show it
    last = texts.join();
    if (vins.length && !list) return location.assign(`${video.dataset.scan}?text=${vins.join("&text=")}`);
    for (const vin of vins) {
      if (!(list instanceof HTMLTextAreaElement) || list.value.toUpperCase().includes(vin)) continue;
      list.value = `${list.value.trimEnd()}\n${vin}\n`.trimStart();
      Object.assign(document.getElementById("live") ?? {}, { textContent: vin });
    }
  }
}
