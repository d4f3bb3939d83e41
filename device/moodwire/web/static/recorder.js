// The browser's microphone as a 16-bit WAV: no codec, so the device can read what every browser makes.
import { root } from "./common.js";

export async function recorder(limitSeconds, onProgress) {
  if (!navigator.mediaDevices) {
    throw new Error("Browsers lend their microphone only to pages over HTTPS or on this very device.");
  }
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({
      audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
    });
  } catch (refusal) {
    throw new Error(`The browser gives no microphone: ${refusal.message}`);
  }
  const context = new AudioContext();
  await context.audioWorklet.addModule(`${root}static/capture.js`);
  const capture = new AudioWorkletNode(context, "capture", { numberOfOutputs: 0 });
  const pieces = [];
  let samples = 0;
  capture.port.onmessage = ({ data }) => {
    if (samples > limitSeconds * context.sampleRate) return;
    pieces.push(data);
    samples += data.length;
    onProgress(samples / context.sampleRate);
  };
  context.createMediaStreamSource(stream).connect(capture);
  return {
    stop() {
      capture.port.onmessage = null;
      for (const track of stream.getTracks()) track.stop();
      const blob = wav(pieces, samples, context.sampleRate);
      context.close();
      return blob;
    },
  };
}

function wav(pieces, samples, rate) {
  const view = new DataView(new ArrayBuffer(44 + 2 * samples));
  const ascii = (at, text) => [...text].forEach((letter, i) => view.setUint8(at + i, letter.charCodeAt(0)));
  ascii(0, "RIFF"); view.setUint32(4, 36 + 2 * samples, true); ascii(8, "WAVEfmt ");
  view.setUint32(16, 16, true); view.setUint16(20, 1, true); view.setUint16(22, 1, true);
  view.setUint32(24, rate, true); view.setUint32(28, 2 * rate, true);
  view.setUint16(32, 2, true); view.setUint16(34, 16, true);
  ascii(36, "data"); view.setUint32(40, 2 * samples, true);
  let at = 44;
  for (const piece of pieces) {
    for (const value of piece) {
      view.setInt16(at, Math.round(Math.max(-1, Math.min(1, value)) * 32767), true);
      at += 2;
    }
  }
  return new Blob([view], { type: "audio/wav" });
}
