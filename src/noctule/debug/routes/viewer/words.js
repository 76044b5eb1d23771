// What is said to the person: the state of the connection, who has control, what a program does, what went wrong.

const byId = (id) => document.getElementById(id);
const root = document.documentElement;
const STATES = { connecting: "Connecting", waiting: "Waiting", live: "Live", ended: "Ended" };
const NOTICE_MS = 6000;
const ACTIVITY_MS = 5000;
const MOST_NOTICES = 3;
let activity = 0;

export function showState(state, reason) {
  byId("status").dataset.state = state;
  byId("status-text").textContent = STATES[state];
  root.dataset.state = state;
  if (state === "ended") raise("This session has ended", reason || "There is nothing more to see.");
  else if (state === "waiting") raise("Waiting to be let in", reason);
  else byId("curtain").hidden = true;
}

function raise(title, text) {
  byId("curtain-title").textContent = title;
  byId("curtain-text").textContent = text;
  byId("curtain").hidden = false;
}

export function showControl({ holder }, canAct) {
  root.dataset.control = holder ?? "";
  const button = byId("control");
  button.hidden = !canAct;
  button.textContent = holder === "you" ? "Hand back" : "Take over";
  button.ariaPressed = String(holder === "you");
  button.title =
    holder === "you"
      ? "Let the programs go on"
      : "Hold the programs that drive this session, and act here undisturbed";
  const badge = byId("badge");
  badge.hidden = holder !== "other";
  badge.textContent = "Another person has control of this session";
}

export function notice(text) {
  const box = byId("notices");
  const line = document.createElement("p");
  line.textContent = text;
  box.append(line);
  while (box.children.length > MOST_NOTICES) box.firstChild.remove();
  setTimeout(() => line.remove(), NOTICE_MS);
}

// A step of a program, in the words of its outcome.
export function showStep(type, value) {
  const text = type === "execution_result" ? value?.message : type === "observation" ? "Looked at the page" : "";
  if (!text) return;
  const line = byId("activity");
  line.textContent = text;
  line.title = text;
  line.hidden = false;
  clearTimeout(activity);
  activity = setTimeout(() => (line.hidden = true), ACTIVITY_MS);
}
