/* Shows the sentence that names the time zone of the page, if the reader's device shows another time. */
export function mount(el) {
  const at = new Date(el.dataset.at);
  const clock = (timeZone) =>
    new Intl.DateTimeFormat("en", { timeZone, dateStyle: "short", timeStyle: "short" }).format(at);
  el.hidden = clock(el.dataset.zone) === clock(undefined);
}
