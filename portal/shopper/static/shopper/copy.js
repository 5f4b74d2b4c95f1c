/** A button that copies a text: data-text is the text, data-copied the word shown afterwards. */
export function mount(button) {
  const label = button.querySelector("[data-label]");
  const before = label.textContent;
  let timer = 0;

  const copy = async () => {
    try {
      await navigator.clipboard.writeText(button.dataset.text);
    } catch {
      return; // without permission the link next to the button can still be selected
    }
    label.textContent = button.dataset.copied;
    clearTimeout(timer);
    timer = setTimeout(() => {
      label.textContent = before;
    }, 2000);
  };
  button.addEventListener("click", copy);
  return () => {
    clearTimeout(timer);
    button.removeEventListener("click", copy);
  };
}
