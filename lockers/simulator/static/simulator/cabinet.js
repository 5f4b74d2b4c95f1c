// The page of a simulated cabinet: it shows the state every second and sends what a person does.
const texts = JSON.parse(document.body.dataset.texts);
const doors = document.querySelector("#doors");
let drawn = "";

function say(key, values = {}) {
  return (texts[key] ?? key).replace(/\{(\w+)\}/g, (_all, name) => values[name] ?? "");
}

function element(name, text = "", parts = {}) {
  const one = Object.assign(document.createElement(name), parts);
  if (text) one.textContent = text;
  return one;
}

async function act(name, values = {}) {
  const answer = await fetch("/act", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ act: name, ...values }),
  });
  const { said, state } = await answer.json();
  document.querySelector("#screen").textContent = say(`say_${said.word}`, { box: said.box });
  show(state);
}

function button(text, name, values, label) {
  const one = element("button", text, { type: "button" });
  one.setAttribute("aria-label", `${text}: ${label}`);
  one.addEventListener("click", () => act(name, values));
  return one;
}

function card(door) {
  const box = door.number;
  const name = say("door", { n: box });
  const one = element("article", "", { className: door.open ? "door open" : "door" });
  one.append(element("h3", name));
  const inside = door.parcels.length ? say("inside") : say("empty");
  const reserved = door.reserved && !door.reserved.inside ? `, ${say("reserved")}` : "";
  one.append(element("p", `${say(door.open ? "open_door" : "closed_door")}, ${inside}${reserved}`));
  const acts = element("div", "", { className: "acts" });
  if (door.open) {
    if (door.parcels.length) acts.append(button(say("take"), "take", { box }, name));
    else acts.append(button(say("put"), "put", { box }, name));
    acts.append(button(say("close"), "close", { box }, name));
  } else {
    acts.append(button(say("force"), "force", { box }, name));
  }
  one.append(acts, faults(door, name));
  return one;
}

function faults(door, name) {
  const choice = element("select");
  choice.setAttribute("aria-label", `${say("fault")}: ${name}`);
  for (const fault of ["", "stuck", "says_open"]) {
    const text = `${say("fault")}: ${say(`fault_${fault || "none"}`)}`;
    choice.append(element("option", text, { value: fault, selected: fault === door.fault }));
  }
  choice.addEventListener("change", () => act("fault", { box: door.number, fault: choice.value }));
  return choice;
}

function show(state) {
  const health = document.querySelector("#health");
  const words = [state.device ? say(state.online ? "online" : "offline") : say("no_keys")];
  if (state.waiting) words.push(say("waiting", { n: state.waiting }));
  if (state.device && !state.clock_known) words.push(say("clock_unknown"));
  health.textContent = words.join(" · ");
  health.className = state.online ? "ok" : "bad";
  const network = document.querySelector("#network");
  network.textContent = say(state.network ? "network_off_do" : "network_on_do");
  network.dataset.on = state.network ? "0" : "1";
  const now = JSON.stringify(state.doors);
  if (now !== drawn) {
    drawn = now;
    const focus = document.activeElement?.getAttribute("aria-label");
    doors.replaceChildren(...state.doors.map(card));
    if (focus) doors.querySelector(`[aria-label="${CSS.escape(focus)}"]`)?.focus();
  }
  const lines = state.journal.map((entry) => {
    const { seq, kind, at, box = "", ...others } = entry;
    const rest = Object.entries(others)
      .filter(([key, value]) => !["clock", "offline"].includes(key) && value !== "")
      .map(([key, value]) => `${key}=${value}`);
    return element("li", [`${seq}`, at.slice(11, 19), kind, box, ...rest].filter(Boolean).join(" "));
  });
  const none = [element("li", say("journal_empty"))];
  document.querySelector("#journal").replaceChildren(...(lines.length ? lines : none));
}

async function refresh() {
  try {
    show(await (await fetch("/state")).json());
  } catch {
    document.querySelector("#health").className = "bad";
  }
}

document.querySelector("#keypad").addEventListener("submit", (event) => {
  event.preventDefault();
  const code = event.target.elements.code;
  act("type", { code: code.value });
  code.value = "";
  code.focus();
});
document.querySelector("#skew").addEventListener("submit", (event) => {
  event.preventDefault();
  act("skew", { minutes: event.target.elements.minutes.value });
});
for (const one of document.querySelectorAll("[data-act]")) {
  one.addEventListener("click", () => act(one.dataset.act, { on: one.dataset.on ?? "" }));
}
refresh();
setInterval(refresh, 1000);
