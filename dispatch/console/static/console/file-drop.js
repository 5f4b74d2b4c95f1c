/* An area to drop a file on. The dropped file is put into the form's own file field. */
export function mount(el) {
  const input = el.querySelector('input[type="file"]');
  const stop = new AbortController();
  const on = (name, act) => el.addEventListener(name, act, { signal: stop.signal });
  on("dragover", (event) => {
    event.preventDefault();
    el.classList.add("over");
  });
  on("dragleave", () => el.classList.remove("over"));
  on("drop", (event) => {
    event.preventDefault();
    el.classList.remove("over");
    if (!event.dataTransfer.files.length) return;
    const one = new DataTransfer();
    one.items.add(event.dataTransfer.files[0]);
    input.files = one.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });
  return () => stop.abort();
}
