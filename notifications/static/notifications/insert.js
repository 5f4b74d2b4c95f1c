/** Inserts a variable into the field that had the focus last: a click on its name in the list. */
export function mount(form) {
  let field = form.querySelector("textarea");
  form.addEventListener("focusin", (event) => {
    if (event.target instanceof HTMLTextAreaElement) field = event.target;
  });
  const insert = (text) => {
    if (!field) return;
    field.focus();
    field.setRangeText(text, field.selectionStart, field.selectionEnd, "end");
    field.dispatchEvent(new Event("input", { bubbles: true }));
  };
  for (const code of form.querySelectorAll("[data-insert]")) {
    code.setAttribute("role", "button");
    code.tabIndex = 0;
    code.addEventListener("click", () => insert(code.dataset.insert));
    code.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      insert(code.dataset.insert);
    });
  }
}
