// The live view: server-sent events, with the browser's own reconnect and a watch on silence.
import { clock, colour, drawSpans, legend, percent, root } from "./common.js";

const TIMELINE_SECONDS = 600;
const SILENCE_MS = 20_000; // the server speaks at least every 10 s
const SOURCES = {
  starting: "starting", live: "listening", stalled: "no sound arrives (stalled)",
  silent: "only digital silence arrives", clipped: "too loud: the signal is clipped",
  muted: "muted: the microphone is closed", lost: "not found (lost)", off: "no microphone in use",
};
const DEAF = { // why nothing is heard, and what to do
  starting: "No sound has come yet. If it stays so, the microphone gives digital silence: see to its switch and cable.",
  stalled: "No sound arrives any more. The service opens the microphone anew.",
  silent: "The microphone gives digital silence now: see to its switch and cable.",
  muted: "The microphone is closed on purpose. The settings say how to open it.",
  lost: "The microphone is not there. Plug it in: the service looks for it again and again; moodwire web alone has to be started anew.",
  off: "No microphone is in use. A recording can be tried.",
};
const EXPLAIN = {
  quiet: "Nobody is speaking.",
  uncertain: "Somebody speaks, or just did, and no mood is clear enough to say.",
};
const byId = (id) => document.getElementById(id);
let moments = [];
let last = null;
let heard = Date.now();
let events = null;

function connect() {
  events?.close();
  heard = Date.now();
  events = new EventSource(`${root}live`);
  events.addEventListener("timeline", (event) => { moments = JSON.parse(event.data); alive(); drawTimeline(); });
  events.addEventListener("now", (event) => { alive(); show(JSON.parse(event.data)); });
  events.addEventListener("broker", (event) => { byId("broker").textContent = JSON.parse(event.data); });
  events.addEventListener("alive", alive);
  events.onerror = () => offline("The device does not answer; trying again …");
}

function alive() {
  heard = Date.now();
  byId("connection").textContent = "live";
}

function offline(text) {
  byId("connection").textContent = text;
  say("offline", "This device cannot be reached, so what it hears is not known.", "quiet");
  values({});
}

function say(heading, explanation, shade) {
  if (byId("mood").textContent !== heading) byId("mood").textContent = heading;
  byId("explanation").textContent = explanation;
  byId("now").style.borderLeftColor = colour(shade);
}

function mood(name, confidence) {
  const isClear = confidence != null && !(name in EXPLAIN);
  say(isClear ? `${name} ${percent(confidence)}` : name, EXPLAIN[name] ?? "", name);
}

function show(now) {
  last = now;
  byId("source").textContent = [SOURCES[now.source] ?? now.source, now.source_name].filter(Boolean).join(" · ");
  if (now.source in DEAF) say(now.source === "muted" ? "muted" : "not hearing", DEAF[now.source], "quiet");
  else if (now.mood == null) say("listening", "Sound arrives; nothing of it has been judged yet.", "quiet");
  else mood(now.mood, now.confidence);
  values(now);
  moments = moments.filter(([time]) => time <= now.time); // the clock may be set back
  const newest = moments.at(-1);
  if (now.mood && (!newest || now.time - newest[0] >= 1)) {
    moments.push([now.time, now.mood, now.confidence]);
    drawTimeline();
  }
}

function values(now) {
  const speech = byId("speech");
  speech.textContent = now.speech == null ? "speech –" : now.speech ? "speech" : "no speech";
  speech.classList.toggle("on", Boolean(now.speech));
  byId("level").textContent = now.level == null ? "–" : `${now.level.toFixed(0)} dBFS`;
  byId("since").textContent = now.since == null ? "–" : new Date(now.since * 1000).toLocaleTimeString();
  drawMeter(now.level);
  for (const bar of document.querySelectorAll("#bars [data-label]")) {
    const share = now.probabilities?.[bar.dataset.label];
    if (bar.tagName === "METER") bar.value = share ?? 0;
    else bar.textContent = percent(share);
  }
}

function drawMeter(level) {
  const canvas = byId("meter");
  const context = canvas.getContext("2d");
  context.fillStyle = colour("quiet");
  context.fillRect(0, 0, canvas.width, canvas.height);
  const share = level == null ? 0 : Math.min(1, Math.max(0, (level + 70) / 70));
  context.fillStyle = level > -3 ? colour("angry") : colour("calm");
  context.fillRect(0, 0, share * canvas.width, canvas.height);
}

function drawTimeline() {
  const end = last?.time ?? moments.at(-1)?.[0];
  if (end == null) return;
  moments = moments.filter(([time]) => time > end - TIMELINE_SECONDS);
  const place = (time) => 1 - (end - time) / TIMELINE_SECONDS;
  drawSpans(byId("timeline"), moments.map(([time, name], i) => ({
    mood: name, start: place(time), // a gap of more than 2 s was not heard
    end: place(Math.min(moments[i + 1]?.[0] ?? end, time + 2)),
  })));
  const seconds = new Map();
  for (const [, name] of moments) seconds.set(name, (seconds.get(name) ?? 0) + 1);
  const found = [...seconds].sort((a, b) => b[1] - a[1]);
  byId("timeline").setAttribute("aria-label", found.length
    ? `In the last ten minutes: ${found.map(([name, s]) => `${name} ${clock(s)} min`).join(", ")}`
    : "No moods yet");
  legend(byId("legend"), found.map(([name]) => name));
}

// A phone that slept holds a dead connection without an error: notice and begin again.
setInterval(() => {
  if (Date.now() - heard > SILENCE_MS) { offline("The connection went silent; trying again …"); connect(); }
}, 5_000);
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible" && Date.now() - heard > 5_000) connect();
});
connect();
