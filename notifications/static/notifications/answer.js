// The box for an answer: a click on a saved reply puts its text into the field.

/**
 * Make the saved replies of a form work.
 * @param {HTMLFormElement} form
 */
export function mount(form) {
  const field = form.querySelector("textarea");
  if (!field) {
    return;
  }
  form.addEventListener("click", (event) => {
    const button = event.target.closest("[data-insert]");
    if (!button) {
      return;
    }
    const gap = field.value && !field.value.endsWith("\n") ? "\n" : "";
    field.value = `${field.value}${gap}${button.dataset.insert}`;
    field.focus();
  });
}
