// The live register of chapter 11: three phones, two places. All rules are in Python; this draws what it is told and
// says what was done with it. Works by pointer (drag a phone by its head) and by keyboard (every drag has a button).

const PLACES = [
  ["field", "In the field (offline)", "Phones here talk to nobody."],
  ["market", "At the market (online)", "Phones here exchange at once what each lacks."],
];
const KINDS = { crop: "select", condition: "select", note: "text", bags: "bags" };

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** One phone: built once, then only changed, so that nobody loses the place where they type. */
function phone(name, choices, tell) {
  const move = element("button", { type: "button", class: "of-move" });
  const head = element("div", { class: "of-head", title: "Drag this phone to the other place, or use the button" },
    element("span", { class: "of-grip", "aria-hidden": "true" }, "⠿"), element("strong", {}, name), move);
  const lacks = element("div", { class: "of-lacks" });
  const vector = element("div", { class: "of-vector" });
  const card = element("section", { class: "of-phone", "data-officer": name, "aria-label": `${name}'s phone` }, head);
  const shown = {};
  for (const [field, kind] of Object.entries(KINDS)) {
    const edit = (value) => tell({ do: "edit", officer: name, field, value });
    const [input, ...more] = control(name, field, kind, choices, edit);
    const value = element("span", { class: "of-value", "data-field": field });
    const by = element("span", { class: "of-by" });
    const conflict = element("div", { class: "of-conflict", role: "status", hidden: "" });
    card.append(element("div", { class: "of-row" },
      element("div", { class: "of-line" }, element("span", { class: "of-name" }, field), value, by), conflict,
      element("div", { class: "of-edit" }, input, ...more)));
    shown[field] = { input, value, by, conflict, kind, edit };
  }
  card.append(vector, lacks);
  return { card, head, move, vector, lacks, shown, name, place: null };
}

function control(name, field, kind, choices, edit) {
  const label = `${name}: ${field}`;
  if (kind === "select") {
    const input = element("select", { "aria-label": label });
    for (const choice of choices[field]) input.append(element("option", { value: choice }, choice));
    input.addEventListener("change", () => edit(input.value));
    return [input];
  }
  const kindOf = kind === "bags" ? { type: "number", min: "1", max: "99", value: "1" } : { type: "text", maxlength: "60" };
  const input = element("input", { "aria-label": label, ...kindOf });
  const button = element("button", { type: "button" }, kind === "bags" ? "add bags" : "write");
  const send = () => edit(kind === "bags" ? Math.trunc(Number(input.value)) : input.value);
  button.addEventListener("click", send);
  input.addEventListener("keydown", (event) => {
    event.stopPropagation(); // the notebook has keys of its own
    if (event.key === "Enter") send();
  });
  return [input, button];
}

/** What was written apart and is not shown, and a button for each way to decide; a decision is an edit like any other. */
function conflict(shown, hidden, edit) {
  const others = hidden.map(([what, who]) => `${what} (${who})`).join(", ");
  const buttons = [...new Set([shown, ...hidden.map(([what]) => what)])].map((value, index) => {
    const button = element("button", { type: "button" }, index ? `take ${value}` : `keep ${value}`);
    button.addEventListener("click", () => edit(value));
    return button;
  });
  return [element("div", {}, `Conflict: written apart and not shown: ${others}`), element("div", { class: "of-decide" }, ...buttons)];
}

function show(one, view, root) {
  const other = view.place === "field" ? "market" : "field";
  one.move.textContent = other === "market" ? "go to the market" : "go to the field";
  one.move.setAttribute("aria-label", `${view.name}: ${one.move.textContent}`);
  one.move.dataset.to = other;
  one.lacks.textContent = view.lacks ? `${view.lacks} change${view.lacks > 1 ? "s" : ""} elsewhere not known here` : "knows everything that was written";
  one.vector.textContent = "state vector: " + view.clocks.map(([who, clock]) => `${who} ${clock}`).join(", ");
  for (const [field, parts] of Object.entries(one.shown)) {
    const { value, by, hidden } = view.fields[field];
    parts.value.textContent = value === "" ? "(empty)" : String(value);
    parts.by.textContent = by ? `by ${by}` : "";
    parts.conflict.hidden = hidden.length === 0;
    parts.conflict.replaceChildren(...(hidden.length ? conflict(value, hidden, parts.edit) : []));
    if (parts.kind === "select") parts.input.value = String(value);
  }
  if (one.place !== view.place) {
    const focused = one.card.contains(document.activeElement) ? document.activeElement : null;
    const zone = root.querySelector(`.of-zone[data-place=${view.place}] .of-phones`);
    const next = [...zone.children].find((card) => Number(card.dataset.rank) > Number(one.card.dataset.rank));
    zone.insertBefore(one.card, next ?? null);
    if (focused) focused.focus();
    one.place = view.place;
  }
}

/** Dragging with pointer events: mouse, finger and pen are the same. */
function draggable(one, root, tell) {
  let from = null;
  const zoneAt = (x, y) => [...root.querySelectorAll(".of-zone")].find((zone) => {
    const box = zone.getBoundingClientRect();
    return x >= box.left && x <= box.right && y >= box.top && y <= box.bottom;
  });
  const mark = (zone) => root.querySelectorAll(".of-zone").forEach((each) => each.classList.toggle("of-over", each === zone));
  const end = () => {
    from = null;
    one.card.classList.remove("of-dragged");
    one.card.style.transform = "";
    mark(null);
  };
  one.head.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || event.target.closest("button")) return;
    from = [event.clientX, event.clientY];
    one.head.setPointerCapture(event.pointerId);
    one.card.classList.add("of-dragged");
    event.preventDefault();
  });
  one.head.addEventListener("pointermove", (event) => {
    if (!from) return;
    one.card.style.transform = `translate(${event.clientX - from[0]}px, ${event.clientY - from[1]}px)`;
    mark(zoneAt(event.clientX, event.clientY));
  });
  one.head.addEventListener("pointerup", (event) => {
    if (!from) return;
    const zone = zoneAt(event.clientX, event.clientY);
    end();
    if (zone && zone.dataset.place !== one.place) tell({ do: "go", officer: one.name, place: zone.dataset.place });
  });
  one.head.addEventListener("pointercancel", end);
  one.move.addEventListener("click", () => tell({ do: "go", officer: one.name, place: one.move.dataset.to }));
}

function render({ model, el }) {
  const tell = (what) => model.send(what);
  const root = element("div", { class: "officers" });
  const zones = element("div", { class: "of-zones" });
  for (const [place, title, words] of PLACES) {
    zones.append(element("section", { class: "of-zone", "data-place": place, "aria-label": title },
      element("h4", {}, title), element("p", {}, words), element("div", { class: "of-phones" })));
  }
  const told = element("p", { class: "of-told", role: "status" });
  const refused = element("p", { class: "of-refused", role: "alert" });
  const log = element("ol", { class: "of-log", "aria-label": "What happened last" });
  root.append(zones, refused, told, log);
  el.append(root);
  const state = model.get("state");
  const phones = state.officers.map((view) => phone(view.name, state.choices, tell));
  phones.forEach((one, rank) => {
    one.card.dataset.rank = rank;
    draggable(one, root, tell);
  });
  const update = () => {
    const now = model.get("state");
    phones.forEach((one, index) => show(one, now.officers[index], root));
    refused.textContent = now.refused || "";
    told.textContent = `${now.bytes.toLocaleString("en")} bytes between phones so far. ` +
      (now.agree ? "All three registers show the same." : "The registers differ.");
    log.replaceChildren(...now.log.map((line) => element("li", {}, line)));
    root.dataset.step = now.step;
  };
  model.on("change:state", update);
  update();
  return () => model.off("change:state", update);
}

export default { render };
