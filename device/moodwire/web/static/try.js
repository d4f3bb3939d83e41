// One recording: sent as it is, answered with moods along time; nothing is kept on either side.
import { clock, colour, csrf, drawSpans, legend, moment, percent, root } from "./common.js";
import { recorder } from "./recorder.js";

const byId = (id) => document.getElementById(id);
const drop = byId("drop");
const limitBytes = Number(drop.dataset.megabytes) * 1e6;
const limitSeconds = Number(drop.dataset.minutes) * 60;
let request = null;
let recording = null;

function say(text, isError = false) {
  byId("message").textContent = text;
  byId("message").classList.toggle("error", isError);
}

function busy(on) {
  byId("progress").hidden = !on;
  byId("cancel").hidden = !on;
  byId("file").disabled = on;
}

function send(blob, name) {
  if (blob.size > limitBytes) {
    say(`${name} has ${(blob.size / 1e6).toFixed(1)} MB; at most ${drop.dataset.megabytes} MB are read.`, true);
    return;
  }
  byId("result").hidden = true;
  busy(true);
  say(`Sending ${name} …`);
  request = new XMLHttpRequest(); // fetch cannot tell how much has been sent
  request.open("POST", `${root}recordings`);
  request.setRequestHeader("Content-Type", "application/octet-stream");
  request.setRequestHeader("X-CSRF", csrf);
  request.responseType = "json";
  request.upload.onprogress = (event) => {
    byId("progress").value = event.loaded / event.total;
    if (event.loaded === event.total) { byId("progress").removeAttribute("value"); say("Listening to it …"); }
  };
  request.onload = () => {
    busy(false);
    if (request.status === 200) { say(""); show(request.response, name); }
    else say(request.response?.problem ?? `The device answered ${request.status}.`, true);
  };
  request.onerror = () => { busy(false); say("The device did not answer.", true); };
  request.onabort = () => { busy(false); say("Cancelled."); };
  request.send(blob);
}

function show(answer, name) {
  byId("result").hidden = false;
  const title = byId("result-title");
  title.textContent = answer.mood === "quiet" ? `${name}: nobody speaks`
    : answer.mood === "uncertain" ? `${name}: no mood is clear enough to say`
      : `${name}: ${answer.mood}, ${percent(answer.confidence)}`;
  byId("unsure").textContent = answer.unsure;
  bars(byId("result-bars"), answer.probabilities ?? {});
  drawWaveform(byId("waveform"), answer.waveform);
  drawSpectrogram(byId("spectrogram"), answer.spectrogram);
  const spans = answer.spans.map((span) => ({
    mood: span.mood, sure: span.confidence ?? 1, start: span.start / answer.seconds, end: span.end / answer.seconds,
  }));
  drawSpans(byId("moods"), spans);
  const at = (seconds) => moment(seconds, answer.seconds);
  byId("moods").setAttribute("aria-label",
    `Moods along time: ${answer.spans.map((s) => `${s.mood} from ${at(s.start)} to ${at(s.end)}`).join(", ")}`);
  axis(answer.seconds);
  legend(byId("result-legend"), [...new Set(answer.spans.map((span) => span.mood))]);
  link(byId("json"), JSON.stringify(answer, null, 1), "application/json");
  link(byId("csv"), csv(answer), "text/csv");
  title.focus();
}

function bars(list, probabilities) {
  const rows = Object.entries(probabilities).sort((a, b) => b[1] - a[1]);
  list.replaceChildren(...rows.map(([label, share]) => {
    const item = document.createElement("li");
    const name = document.createElement("span");
    name.textContent = label;
    const meter = document.createElement("meter");
    Object.assign(meter, { min: 0, max: 1, value: share });
    meter.setAttribute("aria-label", label);
    const value = document.createElement("output");
    value.textContent = percent(share);
    item.append(name, meter, value);
    return item;
  }));
}

function drawWaveform(canvas, peaks) {
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = colour("calm");
  const step = canvas.width / peaks.length;
  const middle = canvas.height / 2;
  peaks.forEach((peak, i) => {
    const half = Math.max(0.5, (peak / 255) * middle);
    context.fillRect(i * step, middle - half, Math.max(1, step - 0.5), 2 * half);
  });
}

function drawSpectrogram(canvas, { width, height, pixels }) {
  const raw = Uint8Array.from(atob(pixels), (letter) => letter.charCodeAt(0));
  const image = new ImageData(width, height);
  for (let i = 0; i < raw.length; i += 1) {
    const value = raw[i] / 255; // dark violet to yellow, even in brightness
    image.data.set([255 * Math.min(1, 0.15 + 1.1 * value ** 1.4), 255 * value ** 1.6,
      255 * (0.32 + 0.5 * Math.sin(value * Math.PI) - 0.25 * value), 255], 4 * i);
  }
  canvas.width = width;
  canvas.height = height;
  canvas.getContext("2d").putImageData(image, 0, 0);
}

function axis(seconds) {
  const marks = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const mark = document.createElement("span");
    mark.textContent = moment(share * seconds, seconds);
    return mark;
  });
  byId("axis").replaceChildren(...marks);
}

function csv(answer) {
  const labels = Object.keys(answer.windows.find((w) => w.probabilities)?.probabilities ?? {});
  const rows = answer.windows.map((w) => [w.time.toFixed(2), w.mood, w.speech,
    ...labels.map((label) => w.probabilities?.[label]?.toFixed(4) ?? "")].join(","));
  return [["seconds", "mood", "speech", ...labels].join(","), ...rows].join("\n") + "\n";
}

function link(anchor, text, type) {
  if (anchor.href) URL.revokeObjectURL(anchor.href);
  anchor.href = URL.createObjectURL(new Blob([text], { type }));
}

async function record() {
  const button = byId("record");
  if (recording) {
    const wav = recording.stop();
    recording = null;
    button.textContent = "Record";
    send(wav, "your recording");
    return;
  }
  try {
    recording = await recorder(limitSeconds, (seconds) => {
      say(`Recording … ${clock(seconds)}`);
      if (seconds >= limitSeconds) record();
    });
    button.textContent = "Stop and listen";
  } catch (problem) {
    say(problem.message, true);
  }
}

byId("file").addEventListener("change", (event) => {
  const [file] = event.target.files;
  if (file) send(file, file.name);
  event.target.value = "";
});
byId("cancel").addEventListener("click", () => request?.abort());
byId("record").addEventListener("click", record);
drop.addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("dropping"); });
drop.addEventListener("dragleave", () => drop.classList.remove("dropping"));
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("dropping");
  const [file] = event.dataTransfer.files;
  if (file) send(file, file.name);
});
