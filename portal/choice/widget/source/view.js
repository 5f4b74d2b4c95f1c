// Draws a picker. The view keeps no state of its own besides the elements; `picker` decides.

/** The elements of one picker inside its shadow tree. */
class View {
  constructor(root, picker) {
    this.root = root;
    this.picker = picker;
    this.box = make("section", { class: "picker", part: "picker" });
    this.title = make("h2", { id: "title", part: "title" });
    this.place = make("p", { class: "muted place" });
    this.zone = make("p", { class: "muted zone", hidden: true });
    this.message = make("div", { hidden: true });
    this.notice = make("div", { hidden: true });
    this.kept = make("div", { hidden: true });
    this.best = make("div", { hidden: true });
    this.days = make("div", { class: "days", role: "radiogroup" });
    this.dayTitle = make("h2", { id: "day-title" });
    this.slots = make("div", { class: "slots", role: "radiogroup", "aria-labelledby": "day-title" });
    this.handover = make("div", { hidden: true });
    this.waiting = make("p", { class: "muted", hidden: true });
    this.bones = make("div", { class: "bones", hidden: true }, make("i"), make("i"), make("i"), make("i"));
    this.list = make("div", { class: "stack" }, this.best, this.days, this.dayTitle, this.slots);
    this.live = make("p", { class: "screen-reader", role: "status" });
    this.box.setAttribute("aria-labelledby", "title");
    this.box.append(
      make(
        "div",
        { class: "stack" },
        make("div", { class: "head" }, this.title, this.place),
        this.zone,
        this.message,
        this.notice,
        this.kept,
        this.handover,
        this.bones,
        this.list,
        this.waiting,
      ),
      this.live,
    );
    this.days.addEventListener("keydown", (event) => this.onDayKey(event));
    this.slots.addEventListener("keydown", (event) => this.onSlotKey(event));
    root.adoptedStyleSheets = [styleSheet()];
    root.append(this.box);
  }

  /** Draw everything again; the focused day or slot keeps the focus. */
  draw() {
    const { picker } = this;
    const { words, state } = picker;
    const focused = this.root.activeElement?.dataset?.id;
    this.box.dir = words.direction;
    this.box.lang = words.locale.split("-u-")[0];
    this.title.textContent = words.say("title");
    this.place.textContent = state.answer?.place_text ?? "";
    this.place.hidden = !this.place.textContent;
    this.drawZone();
    this.bones.hidden = state.phase !== "loading";
    this.box.setAttribute("aria-busy", String(state.phase === "loading"));
    this.list.hidden = state.phase !== "ready" || picker.isFolded || !picker.dates.length;
    this.drawMessage();
    this.drawKept();
    this.drawHandover();
    if (!this.list.hidden) {
      this.drawBest();
      this.drawDays();
      this.drawSlots();
    }
    this.waiting.hidden = !picker.isWaiting;
    this.waiting.textContent = this.waiting.hidden ? "" : words.say("not_ready");
    if (focused && !this.focusOn(focused)) this.keepFocus();
  }

  /** Keep the focus inside when the focused button is gone: a shopper goes on from there. */
  keepFocus() {
    const next = this.kept.querySelector("button") ?? this.root.querySelector('.slot[tabindex="0"], button');
    next?.focus();
  }

  focusOn(id) {
    const target = this.root.querySelector(`[data-id="${CSS.escape(id)}"]`);
    if (target && this.root.activeElement !== target) target.focus();
    return Boolean(target);
  }

  announce(text) {
    if (this.live.textContent === text) this.live.textContent = "";
    this.live.textContent = text;
  }

  /** Name the zone of the times for a reader whose own clock shows another time. */
  drawZone() {
    const { words, state } = this.picker;
    const first = state.answer?.offers[0];
    this.zone.hidden = !first || !words.isElsewhere(new Date(first.opens_at));
    this.zone.textContent = this.zone.hidden ? "" : words.say("zone", { zone: state.answer.time_zone_name });
  }

  drawMessage() {
    const { words, state } = this.picker;
    const { error } = state;
    let text = error?.message ?? "";
    let again = Boolean(error) && !GONE.includes(error.code);
    if (!error && state.phase === "empty") text = words.say("no_address");
    if (!error && state.phase === "ready" && !this.picker.dates.length) {
      text = words.say(this.picker.isWaiting ? "none_yet" : "none");
      again = true;
    }
    this.message.hidden = !text;
    this.message.className = error ? "note wrong" : "note";
    this.message.setAttribute("role", error ? "alert" : "note");
    const retry = again
      ? make(
          "button",
          { type: "button", "data-id": "again", onclick: () => this.picker.tryAgain() },
          words.say("again"),
        )
      : null;
    const others = this.alternatives(error);
    this.message.replaceChildren(
      icon(error ? "alert" : "clock"),
      make("p", {}, text),
      ...(others.length || retry ? [make("div", { class: "bar" }, ...others, retry)] : []),
    );
    this.notice.hidden = !state.notice;
    this.notice.className = "note";
    this.notice.setAttribute("role", "status");
    this.notice.replaceChildren(icon("alert"), make("p", {}, state.notice ?? ""));
  }

  alternatives(error) {
    return (error?.data?.alternatives ?? []).map((offer) =>
      make(
        "button",
        { type: "button", "data-id": `other-${offer.offer}`, onclick: () => this.picker.pick(offer.offer) },
        `${this.picker.words.day(offer.service_date, "shortDay")}, ${this.picker.words.window(offer)}`,
      ),
    );
  }

  drawKept() {
    const { picker } = this;
    const { words, state } = picker;
    const held = state.choice ?? state.hold;
    this.kept.hidden = !held;
    if (!held) return;
    const chosen = Boolean(state.choice);
    this.kept.className = chosen ? "kept chosen" : "kept";
    const buttons = chosen
      ? [this.button("fold", "plain", picker.isFolded ? "other_time" : "fold", () => picker.fold())]
      : [
          picker.confirms
            ? null
            : this.button("confirm", "primary", held.requested ? "request" : "confirm", () => picker.tryConfirm()),
          this.button("release", "plain", "release", () => picker.release()),
        ];
    this.left = make("span", { class: "muted" });
    this.meter = make("div", { class: "meter", hidden: chosen, "aria-hidden": "true" }, make("i"));
    this.kept.replaceChildren(
      icon(chosen ? "check" : "clock"),
      make(
        "p",
        {},
        make("b", {}, words.say(chosen ? chosenWord(held) : "held")),
        make("br"),
        ...this.label(held),
        make("br"),
        ...(held.option !== "window" && held.place_text ? [held.place_text, make("br")] : []),
        ...(held.requested ? [words.say("why_requested"), make("br")] : []),
        this.left,
      ),
      this.meter,
      make("div", { class: "bar" }, ...buttons),
    );
    this.drawTimeLeft();
  }

  /** Return the day, hours and price of what is kept; hours and price are never broken. */
  label(kept) {
    const { picker } = this;
    const [day, ...rest] = picker.partsOf(kept);
    return [day, ...rest.flatMap((text) => [" ", make("span", { class: "nowrap" }, text)])];
  }

  drawTimeLeft() {
    const { words } = this.picker;
    const seconds = this.picker.secondsLeft;
    const minutes = Math.max(1, Math.round(seconds / 60));
    this.left.textContent = words.count(this.picker.state.choice ? "kept_for" : "left", minutes);
    const whole = this.picker.state.keptFor || 1;
    this.meter.firstChild.style.setProperty("--left", String(Math.min(1, seconds / whole)));
  }

  button(id, kind, text, act) {
    const busy = Boolean(this.picker.state.busy);
    return make(
      "button",
      {
        type: "button",
        class: kind,
        "data-id": id,
        "aria-disabled": busy ? "true" : null,
        onclick: () => !this.picker.state.busy && act(),
      },
      this.picker.words.say(text),
    );
  }

  drawHandover() {
    const { picker } = this;
    const { words, state } = picker;
    const offer = picker.offerOf(state.hold?.offer);
    this.handover.hidden = !offer || offer.handovers.length < 2 || picker.isFolded;
    if (this.handover.hidden) return;
    this.handover.replaceChildren(
      make(
        "fieldset",
        { class: "handovers" },
        make("legend", {}, words.say("handover")),
        ...offer.handovers.map((name) =>
          make(
            "label",
            {},
            make("input", {
              type: "radio",
              name: "handover",
              "data-id": `handover-${name}`,
              checked: name === state.hold.handover,
              onchange: () => picker.pick(offer.id, name),
            }),
            words.say(name),
          ),
        ),
      ),
    );
  }

  drawBest() {
    const { picker } = this;
    const green = picker.state.answer.offers.find((offer) => offer.green);
    const shown = green && green.service_date !== picker.state.day && !green.held;
    this.best.hidden = !shown;
    if (!shown) return;
    const go = () => picker.show(green.service_date, green.id);
    const [day, ...rest] = picker.partsOf(green, "weekday").map((text) => make("span", { class: "nowrap" }, text));
    this.best.replaceChildren(
      make(
        "button",
        { type: "button", class: "best", "data-id": "best", onclick: go },
        icon("leaf"),
        make("b", {}, picker.words.say("green")),
        day,
        ...rest,
      ),
    );
  }

  drawDays() {
    const { picker } = this;
    const { words } = picker;
    this.days.setAttribute("aria-label", words.say("days"));
    this.days.replaceChildren(...picker.dates.map((date) => this.day(date)));
    this.dayTitle.textContent = words.day(picker.state.day);
    const chosen = this.days.querySelector('[aria-checked="true"]');
    if (chosen) {
      const middle = chosen.offsetLeft + chosen.offsetWidth / 2 - this.days.clientWidth / 2;
      this.days.scrollTo({ left: middle - this.days.offsetLeft });
    }
  }

  day(date) {
    const { picker } = this;
    const { words } = picker;
    const offers = picker.offersOn(date);
    const chosen = date === picker.state.day;
    const least = offers.reduce((best, offer) => (!best || offer.price_minor < best.price_minor ? offer : best), null);
    const price = least ? words.money(least.price_minor, least.currency) : "";
    const under = least ? words.say("from_price", { price }) : words.say("not_available");
    const name = least
      ? `${words.day(date)}, ${words.count("count", offers.length)}, ${under}`
      : `${words.say("not_available")}: ${words.day(date)}`;
    return make(
      "div",
      {
        class: "day",
        role: "radio",
        "data-id": date,
        tabindex: chosen ? "0" : "-1",
        "aria-checked": String(chosen),
        "aria-disabled": least ? null : "true",
        "aria-label": name,
        onclick: () => least && picker.show(date),
      },
      make("b", {}, words.day(date, "weekday")),
      words.day(date, "shortDay"),
      make("span", {}, least ? price : "–", offers.some((offer) => offer.green) ? leafMark() : null),
    );
  }

  drawSlots() {
    const { picker } = this;
    const rows = [...picker.offersOn(picker.state.day), ...picker.missingOn(picker.state.day)];
    rows.sort((a, b) => a.opens_at.localeCompare(b.opens_at) || a.option.localeCompare(b.option));
    const first = rows.find((offer) => picker.isPicked(offer)) ?? rows.find((offer) => offer.id);
    this.slots.setAttribute("aria-busy", String(Boolean(picker.state.busy)));
    this.slots.replaceChildren(...rows.map((offer) => this.slot(offer, offer === first)));
  }

  slot(offer, first) {
    const { picker } = this;
    const { words } = picker;
    const free = Boolean(offer.id);
    const picked = free && picker.isPicked(offer);
    return make(
      "div",
      {
        class: "slot",
        part: "slot",
        role: "radio",
        "data-id": offer.id ?? null,
        tabindex: first ? "0" : free ? "-1" : null,
        "aria-checked": String(picked),
        "aria-disabled": free ? null : "true",
        "aria-label": free ? picker.nameOf(offer, picked) : this.missingName(offer),
        onclick: () => free && picker.pick(offer.id),
      },
      make("span", { class: "ring" }),
      make(
        "span",
        { class: "hours" },
        make("bdi", {}, words.window(offer)),
        offer.option === "window" ? null : make("span", { class: "badge" }, words.say(offer.option)),
        offer.green ? make("span", { class: "badge leaf" }, icon("leaf"), words.say("green")) : null,
      ),
      make("span", { class: "price" }, free ? words.money(offer.price_minor, offer.currency) : ""),
      make("span", { class: "why" }, free ? picker.whyOf(offer) : offer.why),
    );
  }

  missingName(offer) {
    const { words } = this.picker;
    const hours = `${words.day(offer.service_date)}, ${words.fromTo(offer)}`;
    return `${words.say("not_available")}: ${hours}. ${offer.why}`;
  }

  /** Arrow keys go to the next day that has offers. */
  onDayKey(event) {
    const { picker } = this;
    const dates = picker.dates.filter((date) => picker.offersOn(date).length);
    const at = dates.indexOf(picker.state.day);
    const to = { Home: 0, End: dates.length - 1 }[event.key] ?? this.moved(event.key, at, true);
    if (event.key === " " || event.key === "Enter") {
      event.preventDefault();
      this.slots.querySelector('[tabindex="0"]')?.focus();
    } else if (to !== null && dates[to]) {
      event.preventDefault();
      picker.show(dates[to]);
      this.focusOn(dates[to]);
    }
  }

  /** Up and down go through the offers of the day, left and right to the next day with offers. */
  onSlotKey(event) {
    const { picker } = this;
    const slots = [...this.slots.querySelectorAll("[data-id]")];
    const at = slots.indexOf(event.target.closest("[data-id]"));
    if (at < 0) return;
    if (event.key === " " || event.key === "Enter") {
      event.preventDefault();
      picker.pick(slots[at].dataset.id);
      return;
    }
    if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
      event.preventDefault();
      const dates = picker.dates.filter((date) => picker.offersOn(date).length);
      const to = dates[this.moved(event.key, dates.indexOf(picker.state.day), true)];
      if (!to) return;
      picker.show(to);
      this.slots.querySelector('[tabindex="0"]')?.focus();
      return;
    }
    const to = { Home: 0, End: slots.length - 1 }[event.key] ?? this.moved(event.key, at, false);
    if (to === null || !slots[to]) return;
    event.preventDefault();
    for (const slot of slots) slot.tabIndex = slot === slots[to] ? 0 : -1;
    slots[to].focus();
  }

  /** Return the position after an arrow key, or null; forwards is left in right-to-left texts. */
  moved(key, at, sideways) {
    const forwards = this.picker.words.direction === "rtl" ? "ArrowLeft" : "ArrowRight";
    const back = forwards === "ArrowLeft" ? "ArrowRight" : "ArrowLeft";
    if (key === "ArrowDown" || (sideways && key === forwards)) return at + 1;
    if (key === "ArrowUp" || (sideways && key === back)) return at - 1;
    return null;
  }
}

/** Return the key of the words for a choice: a dispatcher may still have to confirm its time. */
function chosenWord(choice) {
  return choice.requested ? "requested" : "chosen";
}

function leafMark() {
  const mark = icon("leaf");
  mark.setAttribute("class", "leaf");
  return mark;
}
