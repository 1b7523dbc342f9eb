// The wallboard: draws what monitor sends. The token, where one is needed, comes in the address behind # so that no server logs it.
"use strict";

const STATES = {
  ready: "空闲 Ready", not_ready: "小休 Not ready", offered: "分配 Offered", ringing: "振铃 Ringing",
  talking: "通话 Talking", wrap_up: "整理 Wrap-up", out: "签出 Out",
};
const MEDIA = { chat: "聊天 Chat", mail: "邮件 Mail", message: "消息 Message" };
const REASONS = {
  signed_in: "刚签入 Just signed in", phone_lost: "话机未注册 Phone lost", line_lost: "长连线路断开 Line lost",
  desktop_lost: "工作台断开 Desktop lost", supervisor: "班长设置 By supervisor", no_answer: "无应答 No answer",
  declined: "拒接 Declined", busy: "话机忙 Busy", failed: "呼叫失败 Failed", unregistered: "话机未注册 Phone lost",
};
const TILES = [
  ["waiting", "等待 Waiting"], ["calls_now", "当前通话 Calls now"], ["in_flow", "自助 In menu"], ["with_agent", "人工 With agent"],
  ["calls_today", "今日来电 Calls today"], ["answered", "接听 Answered"], ["abandoned", "放弃 Abandoned"],
  ["voicemails_waiting", "留言待处理 Voicemails"], ["voicemails_overdue", "留言超时 Overdue"],
];
const token = new URLSearchParams(location.hash.slice(1)).get("token");
const TURN_MS = 10000;
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
  const two = (number) => String(number).padStart(2, "0");
  const hours = Math.floor(whole / 3600), minutes = Math.floor(whole / 60) % 60;
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

// what does not fit on the wall is shown in turns; on a small screen it is scrolled
function showInTurns(items, panel) {
  const label = panel.querySelector(".page");
  label.textContent = "";
  if (!items.length || matchMedia("(max-width: 900px)").matches) return;
  const bottom = panel.getBoundingClientRect().bottom - parseFloat(getComputedStyle(panel).paddingBottom);
  const boxes = items.map((item) => item.getBoundingClientRect());
  const room = bottom - boxes[0].top;
  const pages = [0];
  boxes.forEach((box, number) => {
    const first = boxes[pages[pages.length - 1]];
    if (box.bottom - first.top > room && box.top > first.top) pages.push(number);
  });
  if (pages.length === 1) return;
  const page = Math.floor(Date.now() / TURN_MS) % pages.length;
  items.forEach((item, number) => { item.hidden = number < pages[page] || number >= (pages[page + 1] ?? items.length); });
  label.textContent = `${page + 1} / ${pages.length}`;
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
  const body = document.querySelector("#queues tbody");
  body.replaceChildren(...rows);
  if (!rows.length) {
    const cell = element("td", "none", "还没有队列 No queues yet");
    cell.colSpan = 8;
    body.append(element("tr"));
    body.lastChild.append(cell);
  }
  showInTurns(rows, document.getElementById("queues").parentElement);
}

function drawAgents(agents, now) {
  const cards = agents.filter((agent) => agent.state !== "out").map((agent) => {
    const card = element("div", `agent ${agent.state}${agent.overdue ? " overdue" : ""}`);
    const since = agent.since ? duration((now - Date.parse(agent.since)) / 1000) : "";
    card.append(element("div", "", agent.name || agent.agent_id),
      element("span", "", `${STATES[agent.state] || agent.state} ${since}`));
    const reason = agent.reason_name || REASONS[agent.reason] || agent.reason;
    if (reason) card.append(element("span", "", reason));
    if (agent.overdue) card.append(element("span", "bad", "超时 Overdue"));
    for (const place of agent.places) {
      const full = place.held >= place.capacity || place.reason;
      card.append(element("span", full ? "warn" : "", `${MEDIA[place.medium] || place.medium} ${place.held}/${place.capacity}`));
    }
    return card;
  });
  const panel = document.getElementById("agents");
  panel.replaceChildren(...(cards.length ? cards : [element("div", "none", "没有座席签入 Nobody is signed in")]));
  showInTurns(cards, panel.parentElement);
}

function clockTime(at) {
  return at.toLocaleTimeString("zh-CN", { hour12: false });
}

// how current the numbers are: not at all when monitor is not reached, or itself hears nothing
function drawLink() {
  const link = document.getElementById("link");
  const quiet = Date.now() - lastHeard > 5000;
  const news = quiet ? "quiet" : board ? board.news : "reading";
  const words = {
    quiet: "连接中断，数字不是最新 No connection: the numbers are old",
    cut_off: `数据中断，数字停在 ${board && board.news_until ? clockTime(new Date(board.news_until)) : ""} No news: the numbers are from then`,
    reading: "正在读取今日数据 Reading what happened today",
    live: "实时 Live",
  };
  link.className = news === "live" ? "up" : "down";
  link.textContent = words[news];
  document.body.classList.toggle("old", news === "quiet" || news === "cut_off");
}

function draw() {
  document.getElementById("clock").textContent = clockTime(new Date());
  drawLink();
  if (!board) return;
  const ageS = (Date.now() - lastHeard) / 1000;
  drawTotals(board.totals);
  // the newest first, and before the rest: they take room from it
  document.getElementById("alerts").replaceChildren(...board.alerts.slice().reverse().map((alert) =>
    element("div", `alert ${alert.severity}`, `${clockTime(new Date(alert.since))} ${alert.rule}: ${alert.text}`)));
  drawQueues(board.queues, ageS);
  drawAgents(board.agents, Date.parse(board.at) + ageS * 1000);
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
