// The wallboard: draws what monitor sends. The token, where one is needed, comes in the address behind # so that no server logs it.
"use strict";

const STATES = {
  ready: "空闲 Ready", not_ready: "小休 Not ready", offered: "分配 Offered", ringing: "振铃 Ringing",
  talking: "通话 Talking", wrap_up: "整理 Wrap-up", out: "签出 Out",
};
const TILES = [
  ["waiting", "等待 Waiting"], ["calls_now", "当前通话 Calls now"], ["in_flow", "自助 In menu"], ["with_agent", "人工 With agent"],
  ["calls_today", "今日来电 Calls today"], ["answered", "接听 Answered"], ["abandoned", "放弃 Abandoned"],
  ["voicemails_waiting", "留言待处理 Voicemails"], ["voicemails_overdue", "留言超时 Overdue"],
];
const token = new URLSearchParams(location.hash.slice(1)).get("token");
let board = null;
let lastHeard = 0;

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text; // never as HTML: names come from outside
  return made;
}

function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

function drawTotals(totals) {
  const tiles = TILES.map(([key, label]) => {
    const tile = element("div", "tile");
    tile.append(element("b", "", totals[key]), element("small", "", label));
    return tile;
  });
  if (!totals.adds_up) tiles.push(Object.assign(element("div", "tile bad"), { textContent: "合计不符 Totals do not add up" }));
  document.getElementById("totals").replaceChildren(...tiles);
}

// how many wait, and for how long the oldest has
function voicemails(queue, ageS) {
  return queue.voicemails_waiting ? `${queue.voicemails_waiting} · ${duration(queue.oldest_voicemail_s + ageS)}` : "";
}

function drawQueues(queues, ageS) {
  const rows = queues.map((queue) => {
    const row = element("tr");
    const longest = queue.waiting ? queue.longest_waiting_s + ageS : 0;
    const level = queue.service_level;
    row.append(
      element("td", "", queue.name || queue.queue_id),
      element("td", queue.waiting ? "warn" : "", queue.waiting),
      element("td", longest > queue.service_level_s ? "bad" : "", duration(longest)),
      element("td", "", queue.offered), element("td", "", queue.answered),
      element("td", queue.abandoned ? "warn" : "", queue.abandoned),
      element("td", level === null ? "" : level >= 0.8 ? "good" : "bad", level === null ? "–" : `${Math.round(level * 100)} %`),
      element("td", queue.voicemails_overdue ? "bad" : queue.voicemails_waiting ? "warn" : "", voicemails(queue, ageS)),
    );
    return row;
  });
  document.querySelector("#queues tbody").replaceChildren(...rows);
}

function drawAgents(agents, now) {
  const cards = agents.filter((agent) => agent.state !== "out").map((agent) => {
    const card = element("div", `agent ${agent.state}`);
    const since = agent.since ? duration((now - Date.parse(agent.since)) / 1000) : "";
    card.append(element("div", "", agent.name || agent.agent_id),
      element("span", "", `${STATES[agent.state] || agent.state} ${since}`), element("span", "", agent.reason));
    return card;
  });
  document.getElementById("agents").replaceChildren(...cards);
}

function draw() {
  document.getElementById("clock").textContent = new Date().toLocaleTimeString("zh-CN", { hour12: false });
  const quiet = Date.now() - lastHeard > 5000;
  const link = document.getElementById("link");
  link.className = quiet ? "down" : "up";
  link.textContent = quiet ? "连接中断 No connection: the numbers are old" : "实时 Live";
  if (!board) return;
  const ageS = (Date.now() - lastHeard) / 1000;
  drawTotals(board.totals);
  drawQueues(board.queues, ageS);
  drawAgents(board.agents, Date.parse(board.at) + ageS * 1000);
  document.getElementById("alerts").replaceChildren(
    ...board.alerts.map((alert) => element("div", `alert ${alert.severity}`, `${alert.rule}: ${alert.text}`)));
}

// the snapshot: shown at once, not only after the next change
async function load() {
  const answer = await fetch("/v1/board", { headers: token ? { Authorization: `Bearer ${token}` } : {} });
  if (!answer.ok) {
    document.getElementById("alerts").replaceChildren(element("div", "alert",
      answer.status === 401 ? "需要令牌 No valid token: open the address that ipcc printed, with #token=…" : `monitor: ${answer.status}`));
    return;
  }
  board = await answer.json();
  lastHeard = Date.now();
  draw();
}

function connect() {
  const address = new URL("/v1/board/events", location.href);
  address.protocol = address.protocol.replace("http", "ws");
  const socket = new WebSocket(address, token ? ["ipcc", `bearer.${token}`] : []);
  socket.onopen = load;
  socket.onmessage = (message) => {
    const told = JSON.parse(message.data);
    lastHeard = Date.now();
    if (told.type === "board") { board = told.data; draw(); }
  };
  socket.onclose = () => setTimeout(connect, 1000);
}

setInterval(draw, 1000);
connect();
