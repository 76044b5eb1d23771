// The behaviour of aria.html: each widget answers as the practice guides describe it, to the mouse and to the keyboard.
"use strict";

const $ = (id) => document.getElementById(id);
const press = (id, act) => $(id).addEventListener("click", (event) => {
  event.stopPropagation();
  if (happened(event, `click ${id}`)) act?.($(id), event);
});
const flip = (element, name) => {
  const value = element.getAttribute(name) !== "true";
  element.setAttribute(name, String(value));
  return value;
};

for (const name of ["profile", "billing"]) {
  press(`tab-${name}`, (tab) => {
    for (const other of document.querySelectorAll("[role=tab]")) other.setAttribute("aria-selected", String(other === tab));
    for (const panel of document.querySelectorAll("[role=tabpanel]")) panel.hidden = panel.id !== `panel-${name}`;
  });
}

function openPopup(button, popup) {
  const place = button.getBoundingClientRect();
  popup.style.left = `${place.left + scrollX}px`;
  popup.style.top = `${place.bottom + scrollY + 4}px`;
  popup.hidden = false;
  button.setAttribute("aria-expanded", "true");
}

function closePopup(button, popup) {
  popup.hidden = true;
  button.setAttribute("aria-expanded", "false");
}

press("file-menu", (button) => ($("file-items").hidden ? openPopup : closePopup)(button, $("file-items")));
press("menu-new", () => closePopup($("file-menu"), $("file-items")));
press("menu-wrap", (item) => record(`set menu-wrap=${flip(item, "aria-checked")}`));
for (const id of ["menu-small", "menu-large"]) {
  press(id, (item) => {
    for (const other of document.querySelectorAll("[role=menuitemradio]")) {
      other.setAttribute("aria-checked", String(other === item));
    }
  });
}

press("tree-photos", (item) => {
  item.querySelector("[role=group]").hidden = !flip(item, "aria-expanded");
});
press("tree-bats");
press("tree-music");

press("wifi", (item) => record(`set wifi=${flip(item, "aria-checked")}`));
press("agree", (item) => record(`set agree=${flip(item, "aria-checked")}`));
for (const id of ["size-s", "size-l"]) {
  press(id, (item) => {
    for (const other of ["size-s", "size-l"]) $(other).setAttribute("aria-checked", String(other === id));
    record(`set size=${item.textContent}`);
  });
}
for (const id of ["bold", "italic"]) press(id, (item) => record(`set ${id}=${flip(item, "aria-pressed")}`));
$("agree").addEventListener("keydown", (event) => {
  if (event.key === " " && happened(event, "space agree")) record(`set agree=${flip($("agree"), "aria-checked")}`);
});

// The slider follows the pointer from the moment that it is pressed, and the arrow keys in steps of five.
const track = $("price-track");
const setPrice = (value) => {
  const bounded = Math.round(Math.min(100, Math.max(0, value)));
  $("price").style.left = `${bounded}%`;
  $("price").setAttribute("aria-valuenow", String(bounded));
  return bounded;
};
const pointed = (event) => {
  const place = track.getBoundingClientRect();
  return setPrice(((event.clientX - place.left) / place.width) * 100);
};
track.addEventListener("pointerdown", (event) => {
  if (event.isTrusted) track.setPointerCapture(event.pointerId);
  pointed(event);
});
track.addEventListener("pointermove", (event) => {
  if (track.hasPointerCapture(event.pointerId)) pointed(event);
});
track.addEventListener("pointerup", (event) => happened(event, `set price=${pointed(event)}`));
$("price").addEventListener("keydown", (event) => {
  const step = { ArrowLeft: -5, ArrowRight: 5 }[event.key];
  if (step) happened(event, `set price=${setPrice(Number($("price").getAttribute("aria-valuenow")) + step)}`);
});

const setGuests = (change) => {
  const value = Math.min(9, Math.max(1, Number($("guests").textContent) + change));
  $("guests").textContent = value;
  $("guests").setAttribute("aria-valuenow", String(value));
  record(`set guests=${value}`);
};
press("less", () => setGuests(-1));
press("more", () => setGuests(1));
$("guests").addEventListener("keydown", (event) => {
  if (event.isTrusted && event.key === "ArrowUp") setGuests(1);
});

// Options live in a portal at the end of the body, as component libraries put them, and are there only while open.
function listbox(id, options, { several = false, choose }) {
  const box = document.createElement("div");
  box.id = `${id}-options`;
  box.className = "popup";
  box.setAttribute("role", "listbox");
  if (several) box.setAttribute("aria-multiselectable", "true");
  for (const name of options) {
    const option = document.createElement("div");
    option.id = `${id}-${name.toLowerCase()}`;
    option.setAttribute("role", "option");
    option.setAttribute("aria-selected", "false");
    option.textContent = name;
    option.addEventListener("click", (event) => {
      event.stopPropagation();
      if (happened(event, `choose ${id}=${name}`)) choose(option, name, box);
    });
    box.append(option);
  }
  return box;
}

const fruits = listbox("fruit", ["Apple", "Pear", "Plum"], {
  choose(option, name, box) {
    for (const other of box.children) other.setAttribute("aria-selected", String(other === option));
    $("fruit").textContent = name;
    box.remove();
    $("fruit").setAttribute("aria-expanded", "false");
  },
});
press("fruit", (button) => {
  if (fruits.isConnected) return fruits.remove();
  document.body.append(fruits);
  openPopup(button, fruits);
});

let airports = null;
$("airport").addEventListener("input", (event) => {
  airports?.remove();
  const typed = $("airport").value.toLowerCase();
  happened(event, `input airport=${$("airport").value}`);
  const found = ["Amsterdam", "Berlin", "Bergen", "Vienna"].filter((name) => typed && name.toLowerCase().includes(typed));
  if (!found.length) return;
  airports = listbox("airport", found, {
    choose(_, name, box) {
      $("airport").value = name;
      closePopup($("airport"), box);
      box.remove();
    },
  });
  document.body.append(airports);
  openPopup($("airport"), airports);
});

const skills = listbox("skills", ["Python", "Rust", "Sewing"], {
  several: true,
  choose(option, _, box) {
    flip(option, "aria-selected");
    const chosen = [...box.querySelectorAll("[aria-selected=true]")].map((item) => item.textContent);
    $("skills").textContent = chosen.join(", ") || "None";
    record(`set skills=${chosen.join("+")}`);
  },
});
press("skills", (button) => {
  if (skills.isConnected) return skills.remove();
  document.body.append(skills);
  openPopup(button, skills);
});

for (const id of ["listener-only", "focusable", "product", "basket", "acc-link"]) press(id);
// The hand cursor's listener is on the document, where frameworks put theirs.
document.addEventListener("click", (event) => {
  if (event.target.closest("#pointer-only")) happened(event, "click pointer-only");
});
press("acc-ship", (button) => {
  $("acc-ship-text").hidden = !flip(button, "aria-expanded");
});

press("arrival-open", (button) => {
  const calendar = $("calendar");
  calendar.replaceChildren();
  const table = document.createElement("table");
  table.setAttribute("role", "grid");
  for (let week = 0; week < 5; week += 1) {
    const row = table.insertRow();
    for (let day = week * 7 + 1; day <= Math.min(31, week * 7 + 7); day += 1) {
      const cell = row.insertCell();
      cell.id = `day-${day}`;
      cell.setAttribute("role", "gridcell");
      cell.setAttribute("aria-label", `${day} May 2031`);
      cell.textContent = day;
      cell.addEventListener("click", (event) => {
        event.stopPropagation();
        if (!happened(event, `choose arrival=2031-05-${String(day).padStart(2, "0")}`)) return;
        $("arrival").value = `2031-05-${String(day).padStart(2, "0")}`;
        calendar.hidden = true;
      });
    }
  }
  calendar.append(table);
  openPopup(button, calendar);
});

// As editors do: pressing the tool must not take the selection away from the text.
$("rich-bold").addEventListener("mousedown", (event) => event.preventDefault());
press("rich-bold", () => {
  document.execCommand("bold");
  record(`bold ${$("rich").querySelector("b")?.textContent ?? "nothing"}`);
});
$("rich").addEventListener("input", (event) => happened(event, `input rich=${$("rich").innerText.trim()}`));

const stars = document.querySelector(".stars");
for (let count = 1; count <= 5; count += 1) {
  const star = document.createElement("span");
  star.id = `star-${count}`;
  star.setAttribute("role", "radio");
  star.setAttribute("aria-label", `${count} of 5`);
  star.setAttribute("aria-checked", "false");
  star.tabIndex = count === 1 ? 0 : -1;
  star.textContent = "☆";
  star.addEventListener("click", (event) => {
    if (!happened(event, `set rating=${count}`)) return;
    [...stars.children].forEach((other, index) => {
      other.textContent = index < count ? "★" : "☆";
      other.setAttribute("aria-checked", String(index + 1 === count));
    });
  });
  stars.append(star);
}

for (const line of ["A", "B", "C"]) {
  const row = $("seats").insertRow();
  row.setAttribute("role", "row");
  for (let number = 1; number <= 4; number += 1) {
    const cell = row.insertCell();
    cell.id = `seat-${line}${number}`;
    cell.setAttribute("role", "gridcell");
    cell.setAttribute("aria-selected", "false");
    cell.textContent = `${line}${number}`;
  }
}
$("seats").addEventListener("click", (event) => {
  const cell = event.target.closest("[role=gridcell]");
  if (cell && happened(event, `choose ${cell.id}`)) flip(cell, "aria-selected");
});
